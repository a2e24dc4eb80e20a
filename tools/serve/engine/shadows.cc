// SPDX-License-Identifier: Apache-2.0
#include "serve/engine/shadows.h"

#include <chrono>

#include "serve/make_thread.h"
#include "serve/read_number.h"
#include "serve/repository/scan.h"

namespace tickmlp::serve {
namespace {

constexpr std::size_t kMost = 64;  // questions of one shadow at a turn
constexpr std::chrono::microseconds kNap(200);

}  // namespace

Refusal read_shadow_pair(std::string_view text, ShadowPair* out) {
  const Refusal wrong{Code::bad_request,
                      "shadow " + std::string(text) + ": expected PRIMARY=CANDIDATE[,every=N], two models' names"};
  const std::size_t equals = text.find('='), comma = text.find(',');
  if (equals == std::string_view::npos) return wrong;
  out->primary = text.substr(0, equals);
  out->candidate = text.substr(equals + 1, comma == std::string_view::npos ? comma : comma - equals - 1);
  if (comma != std::string_view::npos) {
    const std::string_view every = text.substr(comma + 1);
    constexpr std::string_view kEvery = "every=";
    if (!every.starts_with(kEvery)) return wrong;
    if (!read_number(every.substr(kEvery.size()), &out->every) || out->every == 0) return wrong;
  }
  if (!is_model_name(out->primary) || !is_model_name(out->candidate) || out->primary == out->candidate) return wrong;
  return {};
}

Shadow::Shadow(const ShadowPair& pair, const tickmlp_model* primary, Model candidate, std::size_t threads)
    : pair_(pair), candidate_(std::move(candidate)) {
  tickmlp_shadow_options options{};
  options.sample_every = pair.every;
  for (std::size_t i = 0; i < threads; ++i) {
    tickmlp_shadow* shadow = nullptr;
    if (tickmlp_shadow_create(primary, candidate_.get(), &options, &shadow, nullptr) != TICKMLP_OK) break;
    shadows_.push_back(shadow);
  }
  free_ = shadows_;
}

Shadow::~Shadow() {
  for (tickmlp_shadow* shadow : shadows_) tickmlp_shadow_free(shadow);
}

tickmlp_shadow* Shadow::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return nullptr;
  tickmlp_shadow* shadow = free_.back();
  free_.pop_back();
  return shadow;
}

void Shadow::give_back(tickmlp_shadow* shadow) {
  const std::lock_guard lock(mutex_);
  free_.push_back(shadow);
}

bool Shadow::work() {
  std::size_t done = 0;
  for (tickmlp_shadow* shadow : shadows_) done += tickmlp_shadow_work(shadow, kMost);
  return done != 0;
}

ShadowFigures Shadow::figures() const {
  ShadowFigures out{pair_, tickmlp_model_describe(candidate_.get())->generation, {}, 0, 0};
  auto copy = std::make_unique<tickmlp_recorder>(), all = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(all.get());
  for (tickmlp_shadow* shadow : shadows_) {
    tickmlp_shadow_figures one{};
    tickmlp_shadow_read(shadow, &one);
    out.sum.offered += one.offered;
    out.sum.dropped += one.dropped;
    out.sum.compared += one.compared;
    out.sum.refused += one.refused;
    out.sum.identical += one.identical;
    out.sum.same_argmax += one.same_argmax;
    out.sum.largest_probability_difference =
        std::max(out.sum.largest_probability_difference, one.largest_probability_difference);
    out.sum.largest_value_difference = std::max(out.sum.largest_value_difference, one.largest_value_difference);
    tickmlp_recorder_read(tickmlp_shadow_recorder(shadow), copy.get());
    tickmlp_recorder_merge(all.get(), copy.get());
  }
  out.p50_ns = tickmlp_recorder_percentile(all.get(), 50, 100);
  out.p99_ns = tickmlp_recorder_percentile(all.get(), 99, 100);
  return out;
}

Shadows::Shadows(const std::vector<ShadowPair>& pairs, Repository& repository, std::size_t threads)
    : pairs_(pairs), repository_(repository), threads_(threads) {
  refresh();
  if (!pairs_.empty()) thread_ = make_thread("thread of the shadows", [this] { run(); });
}

Shadows::~Shadows() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
}

void Shadows::refresh() {
  const auto catalogue = pairs_.empty() ? nullptr : repository_.catalogue();
  for (const ShadowPair& pair : pairs_) {
    const auto candidate = catalogue->find(pair.candidate);
    Seen seen;
    if (candidate != catalogue->end())
      seen = {candidate->second->current.get(), candidate->second->current->state().number};
    if (const auto before = seen_.find(pair.primary); before != seen_.end() && before->second == seen) continue;
    std::shared_ptr<Shadow> next;
    // Copies of its own: a slot gives a model up while its last questions may still wait here.
    if (seen.slot != nullptr) {
      const Model primary = repository_.load_copy(pair.primary);
      Model model = repository_.load_copy(pair.candidate);
      if (primary != nullptr && model != nullptr)
        next = std::make_shared<Shadow>(pair, primary.get(), std::move(model), threads_);
    }
    seen_[pair.primary] = seen;
    const std::lock_guard lock(mutex_);
    if (next != nullptr) shadows_[pair.primary] = std::move(next);
    else shadows_.erase(pair.primary);
    number_.fetch_add(1, std::memory_order_release);
  }
}

std::map<std::string, std::shared_ptr<Shadow>, std::less<>> Shadows::current() const {
  const std::lock_guard lock(mutex_);
  return shadows_;
}

void Shadows::run() {
  pthread_setname_np(pthread_self(), "tickmlp-shadow");
  while (!ending_) {
    bool busy = false;
    try {
      for (const auto& [primary, shadow] : current()) busy = shadow->work() || busy;
    } catch (const std::exception&) {  // out of memory: what was offered waits
    }
    if (!busy) std::this_thread::sleep_for(kNap);
  }
}

}  // namespace tickmlp::serve
