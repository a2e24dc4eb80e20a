// SPDX-License-Identifier: Apache-2.0
// Answers for processes on the same box: a Unix socket where clients attach, and one thread that looks at their rings.
// docs/SERVING_SHARED_MEMORY.md has the protocol, what each side does about the other's end, and the figures.
#ifndef TICKMLP_SERVE_SHARED_SHARED_SERVER_H_
#define TICKMLP_SERVE_SHARED_SHARED_SERVER_H_
#include <list>
#include <string>
#include <thread>

#include "serve/shared/endpoint.h"
#include "serve/shared/poller.h"
#include "serve/shared/visits.h"

namespace tickmlp::shared {

struct SharedOptions {
  std::string path;                  // of the socket; empty: no shared memory
  int core = -1;                     // of the thread that polls; below 0: not pinned
  std::size_t clients = 64;          // most at a time
  std::size_t ring_bytes = 4 << 20;  // most of one client
  serve::BreakerOptions breaker{};
  std::uint64_t sleep_after_ns = 0;  // without a request; 0: never while a client is attached
  std::uint32_t windows = 16;        // most of one client
  serve::Splits splits{};
};

// Constructed and ended in one thread.
class SharedServer {
 public:
  // Listens at the path, with mode 0600, and starts both threads. A socket that nobody listens at is taken over, any
  // other file is not. Throws std::runtime_error, or StartError, with a line that says why not.
  SharedServer(const SharedOptions& options, serve::Repository& repository, serve::Shadows& shadows,
               serve::Metrics& metrics, serve::Log& log);
  ~SharedServer() { stop(); }
  // Answers what is in the rings, then lets every client go. Milliseconds.
  void stop();

 private:
  void run();
  void accept();
  // Each: null, or why this client is to go.
  const char* read(Attached* client);
  const char* take(Attached* client, const Message& message);
  const char* hello(Attached* client, const Geometry& wanted);
  const char* refuse(const Attached& client, std::string_view why);
  Message look_up(Attached* client, const Message& question);
  Message resolve(Attached* client, const Message& question) const;
  Message list(const Message& question) const;
  static Message arm(const Attached& client, const Message& question);
  void publish(std::unique_ptr<Attached>* gone = nullptr);
  void send_off(Attached* client, const char* why);
  bool let_go();
  void release();

  const SharedOptions options_;
  serve::Repository& repository_;
  Visits visits_;
  Poller poller_;
  Listener listener_;
  Descriptor epoll_, stop_bell_;
  std::list<std::unique_ptr<Attached>> clients_;
  std::unique_ptr<Round> round_ = std::make_unique<Round>();
  struct Leaving {  // until the thread of the rings has seen the round after it
    std::uint64_t number;
    std::unique_ptr<Attached> client;
    std::unique_ptr<Round> round;
  };
  std::list<Leaving> leaving_;
  std::thread control_, polling_;
};

}  // namespace tickmlp::shared
#endif
