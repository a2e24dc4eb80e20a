// SPDX-License-Identifier: Apache-2.0
// The few functions of ONNX Runtime's C interface that the comparison calls. Its npm package holds the shared library
// and no header. The interface is one table of function pointers that only ever grows at its end, so the places of
// version 5 hold in every later library; gaps stand for what is not called here.
#ifndef TICKMLP_BENCH_PEERS_ONNXRUNTIME_API_H_
#define TICKMLP_BENCH_PEERS_ONNXRUNTIME_API_H_
#include <cstddef>
#include <cstdint>

namespace tickmlp::bench {

inline constexpr std::uint32_t kOrtApiVersion = 5;
inline constexpr int kOrtWarning = 2, kOrtEnableAll = 99, kOrtFloat = 1, kOrtDeviceAllocator = 0, kOrtDefaultMemory = 0;

struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtMemoryInfo;
struct OrtValue;
struct OrtRunOptions;
struct OrtIoBinding;

// A nullptr status is success; any other is released by the caller.
struct OrtApi {
  void* gap_0[2];
  const char* (*GetErrorMessage)(const OrtStatus*);
  OrtStatus* (*CreateEnv)(int log_level, const char* log_name, OrtEnv** out);
  void* gap_4[3];
  OrtStatus* (*CreateSession)(const OrtEnv*, const char* path, const OrtSessionOptions*, OrtSession** out);
  void* gap_8[2];
  OrtStatus* (*CreateSessionOptions)(OrtSessionOptions** out);
  void* gap_11[12];
  OrtStatus* (*SetSessionGraphOptimizationLevel)(OrtSessionOptions*, int level);
  OrtStatus* (*SetIntraOpNumThreads)(OrtSessionOptions*, int threads);
  OrtStatus* (*SetInterOpNumThreads)(OrtSessionOptions*, int threads);
  void* gap_26[23];
  OrtStatus* (*CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo*, void* data, std::size_t bytes,
                                               const std::int64_t* shape, std::size_t rank, int type, OrtValue** out);
  void* gap_50[19];
  OrtStatus* (*CreateCpuMemoryInfo)(int allocator, int memory_type, OrtMemoryInfo** out);
  void* gap_70[22];
  void (*ReleaseEnv)(OrtEnv*);
  void (*ReleaseStatus)(OrtStatus*);
  void (*ReleaseMemoryInfo)(OrtMemoryInfo*);
  void (*ReleaseSession)(OrtSession*);
  void (*ReleaseValue)(OrtValue*);
  void* gap_97[3];
  void (*ReleaseSessionOptions)(OrtSessionOptions*);
  void* gap_101[32];
  OrtStatus* (*RunWithBinding)(OrtSession*, const OrtRunOptions*, const OrtIoBinding*);
  OrtStatus* (*CreateIoBinding)(OrtSession*, OrtIoBinding** out);
  void (*ReleaseIoBinding)(OrtIoBinding*);
  OrtStatus* (*BindInput)(OrtIoBinding*, const char* name, const OrtValue*);
  OrtStatus* (*BindOutput)(OrtIoBinding*, const char* name, const OrtValue*);
};
static_assert(offsetof(OrtApi, CreateSessionOptions) == 10 * sizeof(void*));
static_assert(offsetof(OrtApi, CreateTensorWithDataAsOrtValue) == 49 * sizeof(void*));
static_assert(offsetof(OrtApi, ReleaseSessionOptions) == 100 * sizeof(void*));
static_assert(offsetof(OrtApi, BindOutput) == 137 * sizeof(void*));

// What the one exported function, OrtGetApiBase, returns. GetApi gives nullptr for a version it does not know.
struct OrtApiBase {
  const OrtApi* (*GetApi)(std::uint32_t version);
  const char* (*GetVersionString)();
};

}  // namespace tickmlp::bench
#endif
