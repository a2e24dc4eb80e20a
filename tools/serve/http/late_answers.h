// SPDX-License-Identifier: Apache-2.0
// Answers of the jobs' thread on their way back to the connections of one worker.
#ifndef TICKMLP_SERVE_HTTP_LATE_ANSWERS_H_
#define TICKMLP_SERVE_HTTP_LATE_ANSWERS_H_
#include <exception>
#include <list>
#include <memory>
#include <mutex>

#include "serve/http/connection.h"

namespace tickmlp::serve {

class LateAnswers {
 public:
  struct Late {
    std::shared_ptr<Connection> connection;
    Answer answer;
    std::exception_ptr thrown;  // in place of it
  };
  // A list of one goes from hand to hand: nothing is allocated on the way back, where it could not be told, and the
  // jobs' thread is never the last to hold a connection, whose end is its worker's business.
  using One = std::list<Late>;

  // The jobs' thread.
  void hand_in(One& one) {
    const std::lock_guard lock(mutex_);
    late_.splice(late_.end(), one);
  }
  // The worker's.
  void give_out() {
    std::list<Late> late;
    {
      const std::lock_guard lock(mutex_);
      late.swap(late_);
    }
    for (Late& one : late) one.connection->guarded([&] { give(one); });
  }

 private:
  static void give(Late& one) {
    try {
      if (one.thrown) std::rethrow_exception(one.thrown);
    } catch (const std::exception& error) {
      one.answer.refuse({Code::internal, error.what()});
    }
    one.connection->answer_later(one.answer);
  }

  std::mutex mutex_;
  std::list<Late> late_;  // under it
};

}  // namespace tickmlp::serve
#endif
