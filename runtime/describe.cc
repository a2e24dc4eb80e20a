// SPDX-License-Identifier: Apache-2.0
// What a model and the kernel table say about themselves.
#include <cstring>

#include "cpu.h"
#include "model.h"

using namespace tickmlp;

void tickmlp::fill_info(tickmlp_model& model) {
  const BlobHeader& header = model.header();
  tickmlp_model_info& info = model.info;
  info.name = header.name;
  info.run_id = header.run_id;
  info.exporter = header.exporter;
  info.kernel = model.kernel->name;
  info.type = static_cast<tickmlp_element_type>(header.element_type);
  info.inputs = header.inputs;
  info.outputs = model.plan.outputs;
  info.heads = header.head_count;
  info.lanes = model.plan.lanes;
  info.window_rows = header.window_rows;
  info.window_columns = header.window_columns;
  info.feature_count = header.feature_count;
  info.generation = header.generation;
  info.structure_hash = header.structure_hash;
  info.blob_bytes = header.file_bytes;
  info.weight_bytes = model.plan.w1.bytes + model.plan.w2.bytes;
  info.accuracy_states = header.accuracy_states;
  info.clipped_inputs = header.clipped_inputs;
  sha256(model.region.bytes, model.region.count, nullptr, 0, info.blob_sha256);
  std::memcpy(info.source_sha256, header.source_sha256, 32);
  std::memcpy(info.calibration_sha256, header.calibration_sha256, 32);
  info.lock = model.region.lock;
  info.weights = model.network.w1;
  info.kept_inputs = model.plan.stored_inputs;
}

extern "C" {

size_t tickmlp_kernel_count(void) { return kKernelCount; }

tickmlp_status tickmlp_kernel_get(size_t index, tickmlp_kernel_info* out) {
  if (index >= kKernelCount || out == nullptr) return TICKMLP_BAD_ARGUMENT;
  const Kernel& kernel = kKernels[index];
  *out = {kernel.name, kernel.isa, static_cast<tickmlp_element_type>(kernel.type), (kernel.tier & cpu_tiers()) != 0,
          best_kernel(kernel.type, cpu_tiers()) == &kernel};
  return TICKMLP_OK;
}

const tickmlp_model_info* tickmlp_model_describe(const tickmlp_model* model) {
  return model != nullptr ? &model->info : nullptr;
}

tickmlp_status tickmlp_model_head(const tickmlp_model* model, uint32_t head, tickmlp_head_info* out) {
  if (model == nullptr || out == nullptr || head >= model->header().head_count) return TICKMLP_BAD_ARGUMENT;
  const BlobHead& record = model->head_records()[head];
  *out = {record.name,
          record.hidden,
          record.outputs,
          model->heads[head].output_begin,
          static_cast<tickmlp_activation>(record.activation),
          record.clamp_low,
          record.clamp_high,
          record.largest_error,
          record.mean_error,
          record.argmax_agreement,
          record.argmax_low,
          record.argmax_high,
          record.output_magnitude};
  return TICKMLP_OK;
}

tickmlp_status tickmlp_model_feature(const tickmlp_model* model, uint32_t feature, const char** name, float* low,
                                     float* high) {
  if (model == nullptr || name == nullptr || low == nullptr || high == nullptr ||
      feature >= model->header().feature_count)
    return TICKMLP_BAD_ARGUMENT;
  const uint8_t* bytes = model->region.bytes;
  const auto* ranges = reinterpret_cast<const float*>(bytes + model->plan.ranges.begin);
  *name = model->header().feature_names ? reinterpret_cast<const char*>(bytes + model->plan.names.begin) + 32 * feature
                                        : "";
  *low = ranges[2 * feature];
  *high = ranges[2 * feature + 1];
  return TICKMLP_OK;
}

uint32_t tickmlp_model_golden(const tickmlp_model* model, const float** inputs, const float** outputs) {
  if (model == nullptr || inputs == nullptr || outputs == nullptr) return 0;
  *inputs = reinterpret_cast<const float*>(model->region.bytes + model->plan.golden_inputs.begin);
  *outputs = reinterpret_cast<const float*>(model->region.bytes + model->plan.golden_outputs.begin);
  return model->header().golden_count;
}

}  // extern "C"
