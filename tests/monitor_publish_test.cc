// SPDX-License-Identifier: Apache-2.0
// Publishing from a running process: the files, every way it can fail, counters that another thread is writing.
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "monitored.h"

using namespace tickmlp::testing;

namespace {

struct Folder {
  std::string path = "/tmp/tickmlp-monitor-XXXXXX";
  Folder() { REQUIRE(mkdtemp(path.data()) != nullptr); }
  ~Folder() {
    for (const std::string& name : names()) {
      unlink((path + "/" + name).c_str());
      rmdir((path + "/" + name).c_str());
    }
    rmdir(path.c_str());
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    DIR* folder = opendir(path.c_str());
    for (dirent* entry; (entry = readdir(folder)) != nullptr;)
      if (entry->d_name[0] != '.') found.push_back(entry->d_name);
    closedir(folder);
    return found;
  }
};

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("publish writes both files, whole, for everyone to read, and leaves nothing else") {
  Monitored m;
  const Folder folder;
  const std::string text = folder.path + "/a.prom", json = folder.path + "/a.json";
  m.monitor.textfile = text.c_str();
  m.monitor.json = json.c_str();
  std::ofstream(text) << "old";
  const mode_t mask = umask(077);
  CHECK_EQ(tickmlp_monitor_publish(&m.monitor, nullptr), TICKMLP_OK);
  umask(mask);
  CHECK_EQ(content(text).substr(0, 26), "# HELP tickmlp_model_info ");
  CHECK_EQ(content(json).substr(0, 30), "{\"schema\":\"tickmlp-monitor/1\",");
  struct stat status {};
  REQUIRE(stat(text.c_str(), &status) == 0);
  CHECK_EQ(status.st_mode & 0777, 0644);
  CHECK_EQ(folder.names().size(), 2);
}

TEST_CASE("every failure has its name, keeps the old file and leaves nothing beside it") {
  Monitored m;
  const Folder folder;
  const std::string text = folder.path + "/a.prom", missing = folder.path + "/none/a.prom", longest(5000, 'x');
  std::ofstream(text) << "old";
  tickmlp_error error{};
  CHECK_EQ(tickmlp_monitor_write(missing.c_str(), "x", 1, &error), TICKMLP_FILE_CREATE);
  CHECK_EQ(std::string(error.message), "no temporary file beside: No such file or directory: " + missing);
  CHECK_EQ(tickmlp_monitor_write(longest.c_str(), "x", 1, &error), TICKMLP_FILE_CREATE);
  CHECK_EQ(tickmlp_monitor_write(folder.path.c_str(), "x", 1, &error), TICKMLP_FILE_RENAME);
  CHECK_EQ(std::string(tickmlp_status_name(error.status)), "file-rename");
  CHECK_EQ(tickmlp_monitor_write(nullptr, "x", 1, &error), TICKMLP_BAD_ARGUMENT);
  CHECK_EQ(tickmlp_monitor_write(text.c_str(), nullptr, 1, &error), TICKMLP_BAD_ARGUMENT);

  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // a full disk, as a limit on a file's size
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{10, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const tickmlp_status written = tickmlp_monitor_write(text.c_str(), "more than ten bytes", 19, &error);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK_EQ(written, TICKMLP_FILE_WRITE);

  m.monitor.textfile = text.c_str();
  m.monitor.capacity = 100;
  CHECK_EQ(tickmlp_monitor_publish(&m.monitor, &error), TICKMLP_BUFFER_SIZE);
  CHECK_EQ(std::string(error.message).substr(0, 35), "the buffer has 100 bytes; expected ");
  CHECK_EQ(content(text), "old");
  CHECK_EQ(folder.names(), std::vector<std::string>{"a.prom"});

  m.monitor.buffer = nullptr;
  CHECK_EQ(tickmlp_monitor_publish(&m.monitor, &error), TICKMLP_BAD_ARGUMENT);
  m.source.recorder = nullptr;
  CHECK_EQ(tickmlp_monitor_snapshot(&m.monitor, &error), TICKMLP_BAD_ARGUMENT);
  CHECK_EQ(tickmlp_monitor_prometheus(&m.monitor, nullptr, 0), 0);
  CHECK_EQ(tickmlp_monitor_json(nullptr, nullptr, 0), 0);
}

TEST_CASE("counters that another thread reads never fall, whatever touch() does") {
  Monitored m;
  const tickmlp_model_info& info = *tickmlp_model_describe(m.loaded.model);
  const std::vector<float> state(info.inputs);
  std::vector<float> output(info.outputs);
  std::atomic<bool> enough{false};
  std::uint64_t calls = 0;
  std::thread hot([&] {
    for (; !enough; ++calls) {
      tickmlp_infer(m.session, state.data(), state.size(), output.data(), output.size());
      for (int i = 0; i < 3; ++i) tickmlp_session_touch(m.session);
    }
  });
  std::uint64_t last = 0, changes = 0, falls = 0;
  while (changes < 5000) {
    tickmlp_counters counters{};
    tickmlp_session_counters(m.session, &counters);
    changes += counters.inferences > last;
    falls += counters.inferences < last;
    last = counters.inferences;
  }
  enough = true;
  hot.join();
  CHECK_EQ(falls, 0);
  CHECK_EQ(value(m.text(), "tickmlp_inferences_total"), std::to_string(calls));
}
