// SPDX-License-Identifier: Apache-2.0
// A model that requests may ask for: the library's slot, and what all its generations have in common.
#ifndef TICKMLP_SERVE_REPOSITORY_SERVED_H_
#define TICKMLP_SERVE_REPOSITORY_SERVED_H_
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "serve/guard/breaker.h"
#include "tickmlp.h"

namespace tickmlp::serve {

struct ModelFree {
  void operator()(tickmlp_model* model) const { tickmlp_model_free(model); }
};
using Model = std::unique_ptr<tickmlp_model, ModelFree>;

struct HeadShape {
  std::string name;
  std::string quoted;  // as JSON
  std::uint32_t outputs, begin;
  bool softmax;
};

// The slot takes no model in which any of this differs.
struct Shape {
  std::uint32_t inputs, outputs;
  std::uint32_t window_rows, window_columns;  // 0: none
  std::vector<HeadShape> heads;               // in the order of the outputs
};
Shape shape_of(const tickmlp_model* model);

// One slot with its current model. Created and published to by the repository; read by serving threads, each through a
// reader of its own.
class Slot {
 public:
  // Takes the model over.
  static std::shared_ptr<Slot> make(Model model, std::string* error);
  ~Slot();
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  tickmlp_swap* swap() const { return swap_; }
  tickmlp_swap_state state() const;
  mutable BreakerState breaker;  // over the current model, of all threads

 private:
  explicit Slot(tickmlp_swap* swap) : swap_(swap) {}
  tickmlp_swap* const swap_;
};

// What a request's model name means. Immutable but for what is inside the slots.
struct Served {
  std::string name;
  std::string quoted;  // as JSON
  Shape shape;
  std::shared_ptr<Slot> current;
  std::map<std::uint64_t, std::shared_ptr<Slot>> others;  // by generation: versions that answer beside the current one
};

}  // namespace tickmlp::serve
#endif
