// SPDX-License-Identifier: Apache-2.0
// What a model and the kernel table say about themselves.
#include "cpu.h"
#include "model.h"

using namespace tickmlp;

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
