// SPDX-License-Identifier: Apache-2.0
#include "measure/sessions.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "measure/hot.h"

namespace tickmlp::bench {
namespace {

// Where the threads meet. They spin: each has a core of its own, and waking up would spread the start over some 50 us.
struct Meeting {
  std::size_t expected;
  std::atomic<std::size_t> ready{0}, done{0};
  std::atomic<bool> called_off{false};
  explicit Meeting(std::size_t threads) : expected(threads) {}
  // False when a thread could not come.
  bool wait() {
    ready.fetch_add(1);
    while (ready.load(std::memory_order_acquire) < expected && !called_off && g_interrupt_signal == 0)
      std::this_thread::yield();
    return !called_off && g_interrupt_signal == 0;
  }
};

// What happens to the core is read on the session's own thread, between its chunks.
template <class Work>
bool call_in_chunks(const Subject& subject, const SessionsPlan& plan, BlockWatch* watch, Work* work,
                    SessionOnCore* result) {
  CpuTime time;
  bool going = true;
  for (std::uint64_t done = 0; going && done < plan.samples; done += kChunk) {
    watch->begin_chunk();
    warm(work, kChunkWarmUp, 0);
    going = run_back_to_back(std::min(kChunk, plan.samples - done), subject.clock, OnError::kStop, work, &time,
                             &result->recorder, &result->calls, &result->worst);
    watch->end_chunk();
  }
  result->page_faults = watch->page_faults;
  result->involuntary_switches = watch->involuntary_switches;
  return going;
}

template <class Work>
bool call_until_stop(const Subject& subject, const SessionsPlan& plan, Meeting* meeting, SessionOnCore* result) {
  Work work(subject);
  CpuTime time;
  EventReader events(result->core);
  BlockWatch watch(&result->worst, plan.run, &events);
  const bool is_warm =
      run_back_to_back(plan.warm_up, subject.clock, OnError::kStop, &work, &time, &result->recorder, &result->calls);
  tickmlp_recorder_reset(&result->recorder);
  if (!is_warm) meeting->called_off = true;
  if (!meeting->wait() || !is_warm) return false;
  result->calls = {};
  const bool whole = call_in_chunks(subject, plan, &watch, &work, result);
  if (!whole) meeting->called_off = true;
  meeting->done.fetch_add(1);
  while (meeting->done < meeting->expected && !meeting->called_off && g_interrupt_signal == 0) {
    work.prepare();
    work.timed();
  }
  return whole;
}

// What a thread calls. It outlives the thread, so that its memory leaves the list of the library's blocks when nobody
// else's does.
struct Callee {
  Session session;
  Window window;  // of a tick path only
};

// `opening` guards that list, which every session's and window's memory enters.
bool run_session(const Model& model, Subject subject, const SessionsPlan& plan, Meeting* meeting, std::mutex* opening,
                 Callee* callee, SessionOnCore* result) {
  tickmlp_error error{};
  if (const auto status = tickmlp_pin_thread(result->core, &error); status != TICKMLP_OK)
    fail("cannot measure several sessions", status, error);
  {
    const std::lock_guard<std::mutex> alone(*opening);
    callee->session = open_session(model);
    if (plan.tick) callee->window = open_window(model);
  }
  subject.session = callee->session.get();
  subject.window = callee->window.get();
  return plan.tick ? call_until_stop<TickWork>(subject, plan, meeting, result)
                   : call_until_stop<FullWork>(subject, plan, meeting, result);
}

void check_cores(const std::vector<int>& cores) {
  for (std::size_t i = 0; i < cores.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (cores[i] == cores[k])
        refuse("cannot measure several sessions: core " + std::to_string(cores[i]) +
               " is given twice; expected each once");
}

}  // namespace

SessionsResult measure_sessions(const Model& model, const Subject& subject, const SessionsPlan& plan) {
  check_cores(plan.cores);
  const std::size_t count = plan.cores.size();
  SessionsResult result;
  result.sessions.resize(count);
  Meeting meeting(count);
  std::vector<std::exception_ptr> problems(count);
  std::vector<char> whole(count, 0);
  std::vector<Callee> callees(count);
  std::mutex opening;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    result.sessions[i].core = plan.cores[i];
    tickmlp_recorder_reset(&result.sessions[i].recorder);
  }
  std::string not_started;
  for (std::size_t i = 0; i < count && not_started.empty(); ++i) try {
      threads.emplace_back([&, i] {
        try {
          whole[i] = run_session(model, subject, plan, &meeting, &opening, &callees[i], &result.sessions[i]);
        } catch (...) {
          problems[i] = std::current_exception();
          meeting.called_off = true;
        }
      });
    } catch (const std::system_error& error) {
      not_started = "cannot start a thread for core " + std::to_string(plan.cores[i]) + ": " + error.what();
      meeting.called_off = true;
    }
  for (std::thread& thread : threads) thread.join();
  if (!not_started.empty()) refuse(not_started);
  for (const std::exception_ptr& problem : problems)
    if (problem) std::rethrow_exception(problem);
  result.complete = count != 0;
  for (const char one : whole) result.complete = result.complete && one != 0;
  return result;
}

}  // namespace tickmlp::bench
