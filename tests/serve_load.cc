// SPDX-License-Identifier: Apache-2.0
// usage: serve_load PORT REQUEST EXPECTED CONNECTIONS SECONDS [RATE [PAUSE]]
//
// Sends the bytes of the file REQUEST over so many connections to the loopback, each as soon as it has its answer; or,
// with a RATE, so many a second in all, due at even times whatever the server does (a request waits, from the time when
// it was due, for a connection that is free). Every answer with status 200 must have the body that stands in the file
// EXPECTED. After a 503 its connection rests for PAUSE seconds; without it the next request goes out at once. Prints
// one line of JSON; the times of accepted requests are in us, from the time when each was due.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Client {
  int socket = -1;
  double due_s = 0;      // of the request under way
  std::size_t sent = 0;  // of its bytes
  std::string answer;
  bool busy = false;
};

class Load {
 public:
  Load(std::uint16_t port, std::string request, std::string expected, std::size_t clients, double rate, double pause_s)
      : port_(port),
        request_(std::move(request)),
        expected_(std::move(expected)),
        rate_(rate),
        pause_s_(pause_s),
        clients_(clients) {}

  void run(double seconds) {
    epoll_ = epoll_create1(0);
    for (std::size_t i = 0; i < clients_.size(); ++i) connect_client(i);
    begin_s_ = now_s();
    const double end_s = begin_s_ + seconds;
    std::vector<epoll_event> events(1024);
    for (double now = begin_s_; now < end_s; now = now_s()) {
      for (; !resting_.empty() && resting_.front().first <= now; resting_.pop_front())
        free_.push_back(resting_.front().second);
      while (!free_.empty() && is_due(now)) start_request(now);
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), rate_ > 0 ? 0 : 10);
      for (int i = 0; i < count; ++i) serve(events[static_cast<std::size_t>(i)]);
    }
    report(now_s() - begin_s_);
  }

 private:
  bool is_due(double now) const { return rate_ == 0 || begin_s_ + static_cast<double>(started_) / rate_ <= now; }

  void connect_client(std::size_t index) {
    Client& client = clients_[index];
    client = {};
    client.socket = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(client.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{AF_INET, htons(port_), {htonl(INADDR_LOOPBACK)}, {}};
    // It waits, or thousands at once would overflow the accept queue, and the kernel makes those wait for a second.
    connect(client.socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
    fcntl(client.socket, F_SETFL, O_NONBLOCK);
    epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {.u64 = index}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &event);
    free_.push_back(index);
  }

  void start_request(double now) {
    const std::size_t index = free_.front();
    free_.pop_front();
    Client& client = clients_[index];
    client.due_s = rate_ == 0 ? now : begin_s_ + static_cast<double>(started_) / rate_;
    ++started_;
    client.sent = 0;
    client.busy = true;
    send_rest(client);
  }

  void send_rest(Client& client) {
    while (client.sent < request_.size()) {
      const ssize_t bytes =
          send(client.socket, request_.data() + client.sent, request_.size() - client.sent, MSG_NOSIGNAL);
      if (bytes < 0) return;
      client.sent += static_cast<std::size_t>(bytes);
    }
  }

  void serve(const epoll_event& event) {
    Client& client = clients_[event.data.u64];
    if ((event.events & EPOLLOUT) != 0 && client.busy) send_rest(client);
    if ((event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) return;
    char bytes[65536];
    for (;;) {
      const ssize_t count = recv(client.socket, bytes, sizeof bytes, 0);
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) {
        if (client.busy && failed_++ == 0)
          std::fprintf(stderr, "serve_load: %s\n", count == 0 ? "the connection ended" : std::strerror(errno));
        if (!client.busy) free_.erase(std::find(free_.begin(), free_.end(), event.data.u64));
        close(client.socket);
        return connect_client(event.data.u64);
      }
      client.answer.append(bytes, static_cast<std::size_t>(count));
      read_answer(event.data.u64);
    }
  }

  void read_answer(std::size_t index) {
    Client& client = clients_[index];
    const std::size_t end = client.answer.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::size_t field = client.answer.find("Content-Length: ");
    const std::size_t length = std::strtoul(client.answer.c_str() + field + 16, nullptr, 10);
    if (client.answer.size() < end + 4 + length) return;
    const std::string status = client.answer.substr(9, 3);
    if (status == "200") {
      times_us_.push_back((now_s() - client.due_s) * 1e6);
      wrong_ += client.answer.compare(end + 4, length, expected_) != 0;
    } else if (status == "503") {
      ++shed_;
    } else {
      if (failed_++ == 0) std::fprintf(stderr, "serve_load: %s\n", client.answer.c_str());
    }
    client.answer.clear();
    client.busy = false;
    if (status == "503" && pause_s_ > 0) resting_.emplace_back(now_s() + pause_s_, index);
    else free_.push_back(index);
  }

  void report(double seconds) {
    std::sort(times_us_.begin(), times_us_.end());
    const auto at = [&](double part) {
      return times_us_.empty() ? 0
                               : times_us_[static_cast<std::size_t>(part * static_cast<double>(times_us_.size() - 1))];
    };
    std::printf(
        "{\"ok\": %zu, \"shed\": %zu, \"wrong\": %zu, \"failed\": %zu, \"started\": %zu, \"seconds\": %.3f, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
        times_us_.size(), shed_, wrong_, failed_, started_, seconds, at(0.5), at(0.99), at(1));
  }

  const std::uint16_t port_;
  const std::string request_, expected_;
  const double rate_, pause_s_;
  std::vector<Client> clients_;
  std::deque<std::size_t> free_;
  std::deque<std::pair<double, std::size_t>> resting_;
  int epoll_ = -1;
  double begin_s_ = 0;
  std::size_t started_ = 0, shed_ = 0, wrong_ = 0, failed_ = 0;
  std::vector<double> times_us_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 6) {
    std::fprintf(stderr, "usage: serve_load PORT REQUEST EXPECTED CONNECTIONS SECONDS [RATE [PAUSE]]\n");
    return 2;
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Load load(static_cast<std::uint16_t>(std::atoi(arguments[1])), read_file(arguments[2]), read_file(arguments[3]),
            std::strtoul(arguments[4], nullptr, 10), count > 6 ? std::atof(arguments[6]) : 0,
            count > 7 ? std::atof(arguments[7]) : 0);
  load.run(std::atof(arguments[5]));
}
