// SPDX-License-Identifier: Apache-2.0
// Which model a request means, on any transport.
#ifndef TICKMLP_SERVE_ENGINE_CHOOSE_H_
#define TICKMLP_SERVE_ENGINE_CHOOSE_H_
#include <string>
#include <string_view>

#include "serve/engine/models.h"
#include "serve/engine/split.h"

namespace tickmlp::serve {

inline Refusal not_served(const std::string& model, const std::string& split) {
  return {Code::unavailable, "model " + model + " of the split " + split + " is not served"};
}

// A model by its name, or by its split's: then the key (of the header or metadata Tickmlp-Key) chooses, and without one
// the first arm speaks for what all have in common. `keyed`: an inference, which is refused without a key.
inline Refusal choose_model(Models& models, const Splits& splits, std::string_view name, std::string_view key,
                            bool keyed, ThreadModel** out) {
  if ((*out = models.find(name)) != nullptr) return {};
  const auto place = splits.find(name);
  if (place == splits.end())
    return {Code::not_found, "no model " + quote(name) + " is served: expected one of the repository's index"};
  const Split& split = place->second;
  if (key.empty() && keyed)
    return {Code::bad_request, "model " + place->first + " is a split: expected the header Tickmlp-Key: KEY"};
  const std::string& model = split.models[key.empty() ? 0 : tickmlp_split_choose(&split.split, key_of(key))];
  if ((*out = models.find(model)) != nullptr) return {};
  return not_served(model, place->first);
}

// Refused: an arm of the split of that name is not served, so that a part of its keys is without answers.
inline Refusal check_arms(Models& models, const Splits& splits, std::string_view name) {
  const auto place = models.find(name) != nullptr ? splits.end() : splits.find(name);
  if (place == splits.end()) return {};
  for (const std::string& model : place->second.models)
    if (models.find(model) == nullptr) return not_served(model, place->first);
  return {};
}

}  // namespace tickmlp::serve
#endif
