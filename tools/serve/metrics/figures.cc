// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics/figures.h"

#include <algorithm>
#include <ctime>

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

// A place that is taken for another generation is marked first and cleared then: a reader that saw it before and not
// after leaves it out.
VersionFigures& ModelFigures::version(std::uint64_t generation) {
  for (Version& one : versions_)
    if (one.generation.load(std::memory_order_relaxed) == generation) return one.figures;
  Version& next = versions_[next_++ % kVersions];
  next.generation.store(kNone, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  next.figures.clear();
  next.generation.store(generation, std::memory_order_release);
  return next.figures;
}

void ModelFigures::add_version(std::uint64_t generation, VersionFigures* into) const {
  for (const Version& one : versions_) {
    if (one.generation.load(std::memory_order_acquire) != generation) continue;
    VersionFigures seen;
    seen.merge(one.figures);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (one.generation.load(std::memory_order_relaxed) == generation) into->merge(seen);
  }
}

template <typename Change>
void ModelFigures::change(std::uint64_t generation, const Change& change) {
  change(all);
  change(version(generation));
}

void ModelFigures::executed(std::uint64_t generation, std::uint64_t states, std::uint64_t ns) {
  const std::uint64_t now = wall_ms();
  change(generation, [&](VersionFigures& figures) {
    figures.states.add(states);
    figures.executions.add();
    figures.infer.add(1, ns);
    figures.last_ms.set(now);
    if (BatchFigures* batch = figures.batch(states)) batch->infer.add(1, ns);
  });
}

void ModelFigures::looked_up(std::uint64_t generation, bool found, std::uint64_t ns) {
  change(generation, [&](VersionFigures& figures) { (found ? figures.cache_hit : figures.cache_miss).add(1, ns); });
}

void ModelFigures::answered(std::uint64_t generation, std::uint64_t states, bool executed, const StageTimes& times) {
  for (std::size_t i = 0; i < times.size(); ++i) stages[i].record(times[i]);
  change(generation, [&](VersionFigures& figures) {
    figures.success.add(1, of(times, Stage::total));
    figures.queue.add(1, 0);
    figures.input.add(1, of(times, Stage::parse));
    figures.output.add(1, of(times, Stage::encode));
    BatchFigures* batch = executed ? figures.batch(states) : nullptr;
    if (batch == nullptr) return;
    batch->input.add(1, of(times, Stage::parse));
    batch->output.add(1, of(times, Stage::encode));
  });
}

void ModelFigures::failed(std::uint64_t generation, std::uint64_t ns) {
  change(generation, [&](VersionFigures& figures) { figures.fail.add(1, ns); });
}

void ThreadFigures::answered(int status) {
  const auto place = std::find(kStatuses.begin(), kStatuses.end(), status);
  requests[static_cast<std::size_t>(place - kStatuses.begin())].add();
}

}  // namespace tickmlp::serve
