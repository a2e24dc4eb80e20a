// SPDX-License-Identifier: Apache-2.0
#include "serve/guard/start_checks.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "serve/authority.h"
#include "serve/make_thread.h"
#include "tickmlp.h"

namespace tickmlp::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::string advice(const boost::system::error_code& error) {
  if (error == asio::error::address_in_use) return ": another process listens there";
  if (error == asio::error::access_denied) return ": this user may not; ports below 1024 are root's";
  if (error == boost::system::errc::address_not_available) return ": no address of this machine";
  return "";
}

}  // namespace

std::uint16_t check_port(const std::string& host, std::uint16_t port) {
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error) throw StartError{"host " + host + ": expected an IP address, 127.0.0.1 or 0.0.0.0 or so"};
  // Listeners share their port with SO_REUSEPORT, so another server on it would go unnoticed: look first, without.
  asio::io_context context;
  tcp::acceptor acceptor(context);
  const tcp::endpoint endpoint(address, port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1, error);
  if (error) throw StartError{"cannot listen on " + authority(host, port) + ": " + error.message() + advice(error)};
  return acceptor.local_endpoint().port();
}

void check_cores(const std::vector<int>& cores) {
  cpu_set_t given;
  const bool known = sched_getaffinity(0, sizeof given, &given) == 0;
  for (std::size_t i = 0; i < cores.size(); ++i) {
    if (std::find(cores.begin(), cores.begin() + static_cast<std::ptrdiff_t>(i), cores[i]) !=
        cores.begin() + static_cast<std::ptrdiff_t>(i))
      throw StartError{"core " + std::to_string(cores[i]) + " stands twice: expected one thread a core"};
    tickmlp_error error{};
    tickmlp_status status = TICKMLP_OK;
    make_thread("thread that tries the cores", [&] { status = tickmlp_pin_thread(cores[i], &error); }).join();
    if (status != TICKMLP_OK) throw StartError{std::string(tickmlp_status_name(status)) + ": " + error.message};
    // The kernel lets a process leave the cores that taskset or a service manager gave it: who gave them meant them.
    if (known && !CPU_ISSET(static_cast<std::size_t>(cores[i]), &given))
      throw StartError{"core " + std::to_string(cores[i]) +
                       ": not allowed: not among those that this process was given"};
  }
}

std::uint64_t raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace tickmlp::serve
