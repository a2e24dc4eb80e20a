// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics/metrics.h"

#include <algorithm>
#include <ctime>
#include <set>
#include <stdexcept>

namespace tickmlp::serve {

Metrics::Metrics() : started_s_(static_cast<std::uint64_t>(std::time(nullptr))) {
  tickmlp_error error{};
  if (tickmlp_clock_calibrate(&clock_, &error) != TICKMLP_OK) throw std::runtime_error(error.message);
}

ThreadFigures& Metrics::add_thread(std::string name, Protocol protocol) {
  const std::lock_guard lock(mutex_);
  return threads_.emplace_back(std::make_unique<Thread>(std::move(name), protocol))->figures;
}

ModelFigures& Metrics::model(ThreadFigures& thread, std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto place =
      std::find_if(threads_.begin(), threads_.end(), [&](const auto& one) { return &one->figures == &thread; });
  auto& models = (*place)->models;
  auto found = models.find(name);
  if (found == models.end())
    found = models.emplace(std::string(name), std::make_unique<ModelFigures>(std::string(name), thread.protocol)).first;
  return *found->second;
}

std::vector<const ThreadFigures*> Metrics::threads() const {
  const std::lock_guard lock(mutex_);
  std::vector<const ThreadFigures*> all;
  for (const auto& thread : threads_) all.push_back(&thread->figures);
  return all;
}

std::vector<const ModelFigures*> Metrics::models(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  std::vector<const ModelFigures*> all;
  for (const auto& thread : threads_)
    if (const auto found = thread->models.find(name); found != thread->models.end()) all.push_back(found->second.get());
  return all;
}

std::vector<std::string> Metrics::model_names() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> names;
  for (const auto& thread : threads_)
    for (const auto& model : thread->models) names.insert(model.first);
  return {names.begin(), names.end()};
}

}  // namespace tickmlp::serve
