/* SPDX-License-Identifier: Apache-2.0 */
/* Plain C loops, left to the compiler (-O3 -march=native -ffast-math): a peer of its own, and the second layer of those
 * peers that offer a matrix product and no more. */
#ifndef TICKMLP_BENCH_PEERS_PLAIN_H_
#define TICKMLP_BENCH_PEERS_PLAIN_H_
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* hidden[lanes] = clamp(start + x * w1, 0, high), w1 [inputs][lanes]. */
void plain_layer1(const float* x, const float* w1, const float* start, size_t inputs, size_t lanes, float high,
                  float* hidden);
void plain_clamp(float* hidden, size_t lanes, float high);
/* One head: out[outputs] = start2 + hidden * w2, w2 [outputs][hidden]; then softmax in place where asked. */
void plain_layer2(const float* hidden, const float* w2, const float* start2, size_t hidden_count, size_t outputs,
                  int softmax, float* out);
void plain_softmax(float* values, size_t count);
/* codes[i] = 128 + round(clamp(x[i] * scale[i], -127, 127)) */
void plain_quantise(const float* x, const float* scale, size_t inputs, uint8_t* codes);

#ifdef __cplusplus
}
#endif
#endif
