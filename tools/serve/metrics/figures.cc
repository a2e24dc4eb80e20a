// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics/figures.h"

#include <algorithm>
#include <ctime>
#include <thread>

namespace tickmlp::serve {
namespace {

std::uint64_t wall_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);  // 5 ns, to a jiffy
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::uint64_t of(const StageTimes& times, Stage stage) { return times[static_cast<std::size_t>(stage)]; }

}  // namespace

BatchFigures* VersionFigures::batch(std::uint64_t of_states) {
  for (BatchFigures& one : batches) {
    if (one.states.get() == 0) one.states.set(of_states);
    if (one.states.get() == of_states) return &one;
  }
  return nullptr;
}

void VersionFigures::merge(const VersionFigures& other) {
  states.add(other.states.get());
  executions.add(other.executions.get());
  last_ms.set(std::max(last_ms.get(), other.last_ms.get()));
  for (const auto span :
       {&VersionFigures::success, &VersionFigures::fail, &VersionFigures::queue, &VersionFigures::input,
        &VersionFigures::infer, &VersionFigures::output, &VersionFigures::cache_hit, &VersionFigures::cache_miss})
    (this->*span).merge(other.*span);
  for (const BatchFigures& one : other.batches) {
    if (one.states.get() == 0) break;
    BatchFigures* mine = batch(one.states.get());
    if (mine == nullptr) continue;
    mine->input.merge(one.input);
    mine->infer.merge(one.infer);
    mine->output.merge(one.output);
  }
}

void VersionFigures::clear() {
  for (Counter* counter : {&states, &executions, &last_ms}) counter->set(0);
  const auto clear_span = [](Span& span) {
    span.count.set(0);
    span.ns.set(0);
  };
  for (Span* span : {&success, &fail, &queue, &input, &infer, &output, &cache_hit, &cache_miss}) clear_span(*span);
  for (BatchFigures& one : batches) {
    one.states.set(0);
    for (Span* span : {&one.input, &one.infer, &one.output}) clear_span(*span);
  }
}

VersionFigures& ModelFigures::version(std::uint64_t generation) {
  const std::uint64_t taken = taken_.get();
  for (std::size_t i = 0; i < std::min<std::uint64_t>(taken, kVersions); ++i)
    if (versions_[i].generation.get() == generation) return versions_[i].figures;
  Version& next = versions_[taken % kVersions];
  const std::uint64_t epoch = epoch_.load(std::memory_order_relaxed);
  epoch_.store(epoch + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  retired_.merge(next.figures);
  next.figures.clear();
  next.generation.set(generation);
  taken_.set(taken + 1);
  epoch_.store(epoch + 2, std::memory_order_release);
  return next.figures;
}

// Again where a place changed hands meanwhile, which takes the writer a microsecond and comes with a new generation.
template <typename Read>
void ModelFigures::read(const Read& read, VersionFigures* into) const {
  for (;; std::this_thread::yield()) {
    const std::uint64_t epoch = epoch_.load(std::memory_order_acquire);
    VersionFigures seen;
    read(&seen);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (epoch % 2 == 0 && epoch_.load(std::memory_order_relaxed) == epoch) return into->merge(seen);
  }
}

void ModelFigures::add_version(std::uint64_t generation, VersionFigures* into) const {
  const auto one = [&](VersionFigures* seen) {
    for (std::size_t i = 0; i < std::min<std::uint64_t>(taken_.get(), kVersions); ++i)
      if (versions_[i].generation.get() == generation) seen->merge(versions_[i].figures);
  };
  read(one, into);
}

void ModelFigures::add_all(VersionFigures* into) const {
  const auto all = [&](VersionFigures* seen) {
    seen->merge(retired_);
    for (const Version& version : versions_) seen->merge(version.figures);
  };
  read(all, into);
}

void ModelFigures::executed(std::uint64_t generation, std::uint64_t states, std::uint64_t ns) {
  VersionFigures& figures = version(generation);
  figures.states.add(states);
  figures.executions.add();
  figures.infer.add(1, ns);
  figures.last_ms.set(wall_ms());
  if (BatchFigures* batch = figures.batch(states)) batch->infer.add(1, ns);
}

void ModelFigures::looked_up(std::uint64_t generation, bool found, std::uint64_t ns) {
  VersionFigures& figures = version(generation);
  (found ? figures.cache_hit : figures.cache_miss).add(1, ns);
}

void ModelFigures::answered(std::uint64_t generation, std::uint64_t states, bool executed, const StageTimes* times,
                            std::uint64_t weight) {
  static constexpr StageTimes kUntimed{};
  if (times == nullptr) times = &kUntimed;
  else
    for (std::size_t i = 0; i < times->size(); ++i) stages[i].record((*times)[i]);
  const std::uint64_t input_ns = weight * of(*times, Stage::parse), output_ns = weight * of(*times, Stage::encode);
  VersionFigures& figures = version(generation);
  figures.success.add(1, weight * of(*times, Stage::total));
  figures.queue.add(1, 0);
  figures.input.add(1, input_ns);
  figures.output.add(1, output_ns);
  BatchFigures* batch = executed ? figures.batch(states) : nullptr;
  if (batch == nullptr) return;
  batch->input.add(1, input_ns);
  batch->output.add(1, output_ns);
}

void ModelFigures::failed(std::uint64_t generation, std::uint64_t ns) { version(generation).fail.add(1, ns); }

void ThreadFigures::answered(int status) {
  const auto place = std::find(kStatuses.begin(), kStatuses.end(), status);
  requests[static_cast<std::size_t>(place - kStatuses.begin())].add();
}

}  // namespace tickmlp::serve
