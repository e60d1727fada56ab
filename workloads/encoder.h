// SPDX-License-Identifier: Apache-2.0
//
// Transformer encoders without a hierarchy: BERT-Base and -Large (Devlin et al., NAACL 2019) and DeiT-Ti, -S
// and -B (Touvron et al., ICML 2021, 224 x 224, patches of 16, without distillation token).
//
// BERT starts with the look-up of word, position and segment embeddings (a gather from tables in DRAM, no
// MACs) and ends with the last encoder layer: no pooler and no task's head. DeiT has its patch embedding and its
// classifier. Embedding tables are not counted as weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/layer.h"
#include "workloads/settings.h"

namespace tilewright::workloads {

struct EncoderSpec {
  std::string name;
  uint32_t channels = 768;
  uint32_t heads = 12;
  uint32_t layers = 12;
  uint32_t sequence_length = 128;  // BERT: tokens
  uint32_t height = 224;           // DeiT: of the image, multiples of 16
  uint32_t width = 224;
  uint32_t classes = 1000;
};
enum class BertSize : uint8_t { kBase, kLarge };
enum class DeitSize : uint8_t { kTiny, kSmall, kBase };
EncoderSpec bert_spec(BertSize size);
EncoderSpec deit_spec(DeitSize size);

// `layers`: the first so many are kept.
std::vector<SettingProblem> check_bert(const EncoderSpec& spec, uint32_t layers);
std::vector<SettingProblem> check_deit(const EncoderSpec& spec, uint32_t layers);
Network bert(const EncoderSpec& spec, uint32_t layers);
Network deit(const EncoderSpec& spec, uint32_t layers);

}  // namespace tilewright::workloads
