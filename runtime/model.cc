// SPDX-License-Identifier: Apache-2.0
// Loading: open, check, read or map, verify, seal, choose the kernel, run the golden vectors.
#include "model.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "cpu.h"
#include "error.h"
#include "float_environment.h"
#include "gather.h"

namespace tickmlp {
namespace {

void* default_allocate(void*, size_t bytes) { return std::malloc(bytes); }
void default_release(void*, void* memory) { std::free(memory); }

tickmlp_status choose_kernel(const char* name, ElementType type, const Kernel** out, tickmlp_error* error) {
  const char* wanted = type == ElementType::kInt8 ? "int8" : "float32";
  if (name == nullptr) {
    *out = best_kernel(type, cpu_tiers());
    return TICKMLP_OK;
  }
  const Kernel* kernel = find_kernel(name);
  if (kernel == nullptr)
    return fail(error, TICKMLP_KERNEL_UNKNOWN, "no kernel is named %s; `tickmlp kernels` lists them", name);
  if (kernel->type != type)
    return fail(error, TICKMLP_KERNEL_TYPE, "kernel %s is for the other element type; this blob is %s", name, wanted);
  if ((kernel->tier & cpu_tiers()) == 0)
    return fail(error, TICKMLP_KERNEL_UNAVAILABLE, "kernel %s needs %s, which this CPU does not have", name,
                kernel->isa);
  *out = kernel;
  return TICKMLP_OK;
}

// Pointers into the verified bytes.
void bind_network(tickmlp_model& model) {
  const BlobHeader& header = model.header();
  const BlobHead* records = model.head_records();
  const uint8_t* bytes = model.region.bytes;
  const auto floats = [&](BlobSection section) { return reinterpret_cast<const float*>(bytes + section.begin); };
  Network& network = model.network;
  network = {model.plan.stored_inputs,
             model.plan.lanes / kGroup,
             header.head_count,
             model.plan.outputs,
             model.heads,
             floats(model.plan.input_scale),
             bytes + model.plan.start.begin,
             floats(model.plan.lane_scale),
             model.group_clamp,
             bytes + model.plan.w1.begin,
             floats(model.plan.start2),
             model.head_blocks.block,
             nullptr,
             nullptr,
             0,
             0,
             0,
             0,
             header.inputs,
             model.plan.kept.bytes != 0 ? bytes + model.plan.kept.begin : nullptr};
  const float* w2 = floats(model.plan.w2);
  uint32_t group = 0, output = 0;
  for (uint32_t h = 0; h < header.head_count; ++h) {
    const uint32_t groups = round_up(records[h].hidden, kGroup) / kGroup;
    model.heads[h] = {group, groups, output, records[h].outputs, records[h].activation == TICKMLP_SOFTMAX, w2};
    for (uint32_t g = 0; g < groups; ++g) model.group_clamp[group + g] = records[h].clamp_high;
    group += groups;
    output += records[h].outputs;
    w2 += static_cast<size_t>(records[h].outputs) * groups * kGroup;
  }
  bind_head_blocks(model.heads, header.head_count, network.start2, &model.head_blocks);
  bind_strips(network, static_cast<ElementType>(header.element_type), model.tiles, model.strips);
}

tickmlp_status run_golden(const tickmlp_model& model, tickmlp_error* error) {
  const Network& network = model.network;
  void* allocation;
  const size_t bytes = workspace_bytes(network) + gathered_bytes(network, 1);
  void* scratch = allocate_lines(model.allocator, bytes, &allocation);
  if (scratch == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for the scratch of the golden vectors");
  Workspace workspace = make_workspace(network, scratch);
  auto* const gathered = reinterpret_cast<float*>(static_cast<uint8_t*>(scratch) + workspace_bytes(network));
  const float *inputs, *outputs;
  const uint32_t count = tickmlp_model_golden(&model, &inputs, &outputs);
  tickmlp_status status = TICKMLP_OK;
  for (uint32_t v = 0; v < count && status == TICKMLP_OK; ++v) {
    const float* expected = outputs + static_cast<size_t>(v) * network.outputs;
    float seen[kMaxHeads * kMaxHeadOutputs];
    std::fill_n(seen, network.outputs, NAN);
    const float* input = inputs + static_cast<size_t>(v) * network.all_inputs;
    if (network.input_mask != nullptr) {
      model.kernel->functions->gather(input, network.all_inputs, network.input_mask, gathered);
      input = gathered;
    }
    model.kernel->functions->infer(network, input, workspace, seen);
    for (uint32_t k = 0; k < network.outputs && status == TICKMLP_OK; ++k)
      if (std::memcmp(seen + k, expected + k, 4) != 0)
        status = fail(error, TICKMLP_BLOB_GOLDEN, "golden vector %u, output %u: kernel %s gives %.9g; expected %.9g", v,
                      k, model.kernel->name, static_cast<double>(seen[k]), static_cast<double>(expected[k]));
  }
  model.allocator.release(model.allocator.context, allocation);
  return status;
}

// From verified bytes to a model. Takes the region over when it succeeds.
tickmlp_status build(Region* region, const BlobPlan& plan, const tickmlp_load_options& options, tickmlp_model** out,
                     tickmlp_error* error) {
  const auto type = static_cast<ElementType>(reinterpret_cast<const BlobHeader*>(region->bytes)->element_type);
  const Kernel* kernel = nullptr;
  if (auto s = choose_kernel(options.kernel, type, &kernel, error)) return s;
  const tickmlp_allocator allocator =
      options.allocator != nullptr ? *options.allocator : tickmlp_allocator{default_allocate, default_release, nullptr};
  const size_t groups = plan.lanes / kGroup;
  void* allocation;
  void* memory = allocate_lines(allocator, sizeof(tickmlp_model) + groups * sizeof(float), &allocation);
  if (memory == nullptr)
    return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for the model's handle of %zu bytes",
                sizeof(tickmlp_model) + groups * sizeof(float));
  auto* model = new (memory) tickmlp_model{};
  model->allocator = allocator;
  model->allocation = allocation;
  model->region = *region;
  model->plan = plan;
  model->kernel = kernel;
  model->group_clamp = reinterpret_cast<float*>(model + 1);
  bind_network(*model);
  fill_info(*model);
  if (auto s = run_golden(*model, error)) {
    allocator.release(allocator.context, allocation);
    return s;
  }
  *region = Region{};
  *out = model;
  return TICKMLP_OK;
}

tickmlp_status check_options(const tickmlp_load_options* given, tickmlp_load_options* options, tickmlp_error* error) {
  if (given != nullptr) std::memcpy(options, given, sizeof *options);
  else *options = tickmlp_load_options{};
  const int mode = raw_value(options->mode);
  if (mode != TICKMLP_COPY && mode != TICKMLP_MAPPED)
    return fail(error, TICKMLP_BAD_ARGUMENT, "load mode is %d; expected TICKMLP_COPY or TICKMLP_MAPPED", mode);
  if (options->mode == TICKMLP_MAPPED && options->require_locked)
    return fail(error, TICKMLP_BAD_ARGUMENT, "require_locked with TICKMLP_MAPPED; only a copy is locked");
  const tickmlp_allocator* allocator = options->allocator;
  if (allocator != nullptr && (allocator->allocate == nullptr || allocator->release == nullptr))
    return fail(error, TICKMLP_BAD_ARGUMENT, "the allocator lacks a function; expected allocate and release");
  return TICKMLP_OK;
}

tickmlp_status finish_load(Region* region, const tickmlp_load_options& options, tickmlp_model** model,
                           tickmlp_error* error) {
  BlobPlan plan;
  if (auto s = verify_blob(region->bytes, region->count, &plan, error)) return s;
  if (options.mode == TICKMLP_COPY)
    if (auto s = seal_region(region, options.require_locked, error)) return s;
  return build(region, plan, options, model, error);
}

tickmlp_status load_file(const File& file, const tickmlp_load_options& options, tickmlp_model** model,
                         tickmlp_error* error) {
  Region region;
  tickmlp_status status;
  if (options.mode == TICKMLP_MAPPED) {
    status = map_file(file, &region, error);
  } else {
    status = allocate_region(file.bytes, &region, error);
    if (status == TICKMLP_OK) status = read_file(file, region.bytes, error);
  }
  if (status == TICKMLP_OK) status = finish_load(&region, options, model, error);
  release_region(&region);  // empty when the model took it over
  return status;
}

}  // namespace
}  // namespace tickmlp

using namespace tickmlp;

extern "C" {

tickmlp_status tickmlp_model_load(const char* path, const tickmlp_load_options* given, tickmlp_model** model,
                                  tickmlp_error* error) {
  if (path == nullptr || model == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "path or model is NULL; expected both");
  const FloatEnvironment environment;
  tickmlp_load_options options;
  if (auto s = check_options(given, &options, error)) return s;
  File file;
  if (auto s = open_file(path, &file, error)) return s;
  const tickmlp_status status = load_file(file, options, model, error);
  close_file(&file);
  if (status == TICKMLP_OK) (*model)->info.owned_by_other = file.owned_by_other;
  return status;
}

tickmlp_status tickmlp_model_load_bytes(const void* bytes, size_t count, const tickmlp_load_options* given,
                                        tickmlp_model** model, tickmlp_error* error) {
  if (bytes == nullptr || model == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "bytes or model is NULL; expected both");
  const FloatEnvironment environment;
  tickmlp_load_options options;
  if (auto s = check_options(given, &options, error)) return s;
  if (count == 0 || count > kMaxBlobBytes)
    return fail(error, TICKMLP_FILE_SIZE, "%zu bytes given; expected 1 to %llu", count,
                static_cast<unsigned long long>(kMaxBlobBytes));
  options.mode = TICKMLP_COPY;
  Region region;
  if (auto s = allocate_region(count, &region, error)) return s;
  std::memcpy(region.bytes, bytes, count);
  const tickmlp_status status = finish_load(&region, options, model, error);
  release_region(&region);
  return status;
}

void tickmlp_model_free(tickmlp_model* model) {
  if (model == nullptr) return;
  const tickmlp_allocator allocator = model->allocator;
  release_region(&model->region);
  allocator.release(allocator.context, model->allocation);
}

}  // extern "C"
