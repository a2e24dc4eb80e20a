// SPDX-License-Identifier: Apache-2.0
// usage: grpc_load ADDRESS MESSAGE CONNECTIONS SECONDS unary|stream
// Asks for ModelInfer with the bytes of the file MESSAGE, one call at a time on each connection, as fast as the server
// answers; `stream` keeps one ModelStreamInfer a connection. Prints {"requests", "seconds", "p50_us", "p99_us"}; exit 1
// where any call failed. One thread; messages are bytes, so that it costs little beside the server.
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using grpc::ByteBuffer;

constexpr char kUnary[] = "/inference.GRPCInferenceService/ModelInfer";
constexpr char kStream[] = "/inference.GRPCInferenceService/ModelStreamInfer";

struct Load {
  grpc::CompletionQueue queue{};
  ByteBuffer message{};
  Clock::time_point end{};
  std::vector<float> microseconds{};
  bool failed = false;
  int under_way = 0;
};

class Connection {
 public:
  Connection(Load& load, const std::string& address, bool stream) : load_(load), stream_(stream) {
    grpc::ChannelArguments own;
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    stub_ = std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), own));
    if (stream_) {
      context_.emplace();
      calls_ = stub_->PrepareCall(&*context_, kStream, &load_.queue);
      calls_->StartCall(this);
      ++load_.under_way;
    } else {
      ask();
    }
  }

  // An operation has ended: of a stream, in turn the start, a write and a read.
  void proceed(bool ok) {
    --load_.under_way;
    if (!ok || (!stream_ && !status_.ok())) {
      load_.failed = true;
      return;
    }
    if (stream_ && writing_) {
      writing_ = false;
      calls_->Read(&answer_, this);
      ++load_.under_way;
      return;
    }
    if (started_) {
      const Clock::time_point now = Clock::now();
      load_.microseconds.push_back(std::chrono::duration<float, std::micro>(now - begin_).count());
      if (now >= load_.end) return;
    }
    ask();
  }

 private:
  void ask() {
    started_ = true;
    begin_ = Clock::now();
    ++load_.under_way;
    if (stream_) {
      writing_ = true;
      calls_->Write(load_.message, this);
      return;
    }
    call_.reset();
    context_.emplace();
    call_ = stub_->PrepareUnaryCall(&*context_, kUnary, load_.message, &load_.queue);
    call_->StartCall();
    call_->Finish(&answer_, &status_, this);
  }

  Load& load_;
  const bool stream_;
  bool started_ = false, writing_ = false;
  Clock::time_point begin_{};
  std::unique_ptr<grpc::GenericStub> stub_{};
  std::optional<grpc::ClientContext> context_{};
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> calls_{};
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call_{};
  ByteBuffer answer_{};
  grpc::Status status_{};
};

}  // namespace

int main(int count, char** words) {
  if (count != 6) return 2;
  std::ifstream file(words[2], std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const grpc::Slice slice(bytes);
  Load load;
  load.message = ByteBuffer(&slice, 1);
  const Clock::time_point begin = Clock::now();
  load.end = begin + std::chrono::microseconds(static_cast<long>(1e6 * std::atof(words[4])));
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < std::atoi(words[3]); ++i)
    connections.push_back(std::make_unique<Connection>(load, words[1], std::strcmp(words[5], "stream") == 0));
  void* tag = nullptr;
  bool ok = false;
  while (load.under_way > 0 && load.queue.Next(&tag, &ok)) static_cast<Connection*>(tag)->proceed(ok);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (load.failed || load.microseconds.empty()) return 1;
  std::sort(load.microseconds.begin(), load.microseconds.end());
  const auto at = [&](double part) {
    return load.microseconds[static_cast<std::size_t>(part * static_cast<double>(load.microseconds.size() - 1))];
  };
  std::printf("{\"requests\": %zu, \"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", load.microseconds.size(),
              seconds, static_cast<double>(at(0.5)), static_cast<double>(at(0.99)));
  std::fflush(stdout);
  std::_Exit(0);  // streams are left as a client that is killed leaves them
}
