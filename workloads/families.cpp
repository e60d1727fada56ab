// SPDX-License-Identifier: Apache-2.0
#include "workloads/families.h"

#include "sim/base/error.h"
#include "workloads/detr.h"
#include "workloads/encoder.h"
#include "workloads/ofa_resnet.h"
#include "workloads/resnet.h"
#include "workloads/segformer.h"
#include "workloads/swin.h"

namespace tilewright::workloads {
namespace {

using Settings = NetworkSettings;
using Knobs = PathKnobs;
using Problems = std::vector<SettingProblem>;

uint32_t offset(NetworkName network, NetworkName first) {
  return static_cast<uint32_t>(network) - static_cast<uint32_t>(first);
}

// --- SegFormer
SegformerSpec segformer_of(NetworkName network, const Settings& settings) {
  constexpr uint32_t kSizes = 6;
  const uint32_t index = offset(network, NetworkName::kSegformerB0Ade);
  const auto data = index < kSizes ? SegformerData::kAde20k : SegformerData::kCityscapes;
  SegformerSpec spec = segformer_spec(static_cast<SegformerSize>(index % kSizes), data);
  spec.height = settings.image_height.value_or(spec.height);
  spec.width = settings.image_width.value_or(spec.width);
  spec.classes = settings.classes.value_or(spec.classes);
  spec.decoder_channels = settings.decoder_channels.value_or(spec.decoder_channels);
  return spec;
}
SegformerPath segformer_path(const Knobs& knobs) {
  SegformerPath path;
  path.blocks = knobs.blocks;
  if (knobs.decode_linear_channels) {
    path.decode_linear_channels = knobs.decode_linear_channels->values;
  }
  path.fuse_input_channels = knobs.fuse_input_channels;
  path.predict_input_channels = knobs.predict_input_channels;
  return path;
}

// --- Swin
SwinSpec swin_of(NetworkName network, const Settings& settings) {
  SwinSpec spec = swin_spec(static_cast<SwinSize>(offset(network, NetworkName::kSwinTiny)));
  spec.height = settings.image_height.value_or(spec.height);
  spec.width = settings.image_width.value_or(spec.width);
  spec.classes = settings.classes.value_or(spec.classes);
  spec.decoder_channels = settings.decoder_channels.value_or(spec.decoder_channels);
  return spec;
}

// One number stands for all; a list must have one for each.
template <class Array, class T>
void spread(const std::optional<OneOrEach<T>>& written, Array& each) {
  if (written && written->values.size() == 1) {
    each.fill(written->values.front());
  } else if (written && written->values.size() == each.size()) {
    std::copy(written->values.begin(), written->values.end(), each.begin());
  }
}
template <class T>
void check_count(Problems& problems, const std::string& key, const std::optional<OneOrEach<T>>& written,
                 std::size_t count, const std::string& note) {
  if (written && written->values.size() != 1 && written->values.size() != count) {
    problems.push_back({key,
                        "must be one number or a list of " + std::to_string(count) + ", got a list of " +
                            std::to_string(written->values.size()),
                        note});
  }
}

SwinPath swin_path(const Knobs& knobs) {
  SwinPath path;
  path.blocks = knobs.blocks;
  if (knobs.fpn_conv_channels) {
    spread(knobs.fpn_conv_channels, path.fpn_conv_channels.emplace());
  }
  path.fpn_bottleneck_input_channels = knobs.fpn_bottleneck_input_channels;
  path.predict_input_channels = knobs.predict_input_channels;
  return path;
}
Problems check_swin_path(NetworkName network, const Settings& settings, const Knobs& knobs) {
  Problems problems;
  check_count(problems, "fpn_conv_channels", knobs.fpn_conv_channels, kFpnLevels, "level 0 to 2 of the FPN");
  return problems.empty() ? check_path(swin_of(network, settings), swin_path(knobs)) : problems;
}

// --- ResNet
ResnetSpec resnet_of(NetworkName network, const Settings& settings) {
  ResnetSpec spec;
  spec.name = name(network);
  spec.stride_in_first = network == NetworkName::kResnet50V1;
  spec.height = settings.image_height.value_or(spec.height);
  spec.width = settings.image_width.value_or(spec.width);
  spec.classes = settings.classes.value_or(spec.classes);
  return spec;
}

// --- Once-For-All
OfaResnetSpec ofa_of(const Settings& settings, const Knobs& knobs) {
  OfaResnetSpec spec = ofa_resnet_spec();
  spec.classes = settings.classes.value_or(spec.classes);
  spec.resolution = knobs.resolution.value_or(spec.resolution);
  spread(knobs.depth, spec.depth);
  spread(knobs.expand_ratio, spec.expand_ratio);
  spread(knobs.width_multiplier, spec.width_multiplier);
  return spec;
}
// What is wrong with one number that stands for all is said once.
template <class T>
void merge_repeated(Problems& problems, const std::string& key, const std::optional<OneOrEach<T>>& written) {
  if (!written || written->values.size() != 1) {
    return;
  }
  bool first = true;
  std::erase_if(problems, [&](SettingProblem& problem) {
    const bool of_key = problem.setting.starts_with(key + ".");
    if (of_key && first) {
      problem.setting = key;
      first = false;
      return false;
    }
    return of_key;
  });
}
Problems check_ofa_path(NetworkName, const Settings& settings, const Knobs& knobs) {
  Problems problems;
  check_count(problems, "depth", knobs.depth, 5, "the stem, then stage 1 to 4");
  check_count(problems, "expand_ratio", knobs.expand_ratio, kOfaMostBlocks,
              "blocks of stage 1 to 4 at their deepest: 4, 4, 6 and 4");
  check_count(problems, "width_multiplier", knobs.width_multiplier, 6,
              "the stem's inner and outer width, then stage 1 to 4");
  if (problems.empty()) {
    problems = check_spec(ofa_of(settings, knobs));
    merge_repeated(problems, "depth", knobs.depth);
    merge_repeated(problems, "expand_ratio", knobs.expand_ratio);
    merge_repeated(problems, "width_multiplier", knobs.width_multiplier);
  }
  return problems;
}

// --- DETR
DetrSpec detr_of(NetworkName network, const Settings& settings) {
  DetrSpec spec = detr_spec(static_cast<DetrVariant>(offset(network, NetworkName::kDetrR50)));
  spec.height = settings.image_height.value_or(spec.height);
  spec.width = settings.image_width.value_or(spec.width);
  spec.classes = settings.classes.value_or(spec.classes);
  return spec;
}
DetrPath detr_path(const Knobs& knobs) {
  DetrPath path;
  path.encoder_layers = knobs.encoder_layers.value_or(path.encoder_layers);
  path.decoder_layers = knobs.decoder_layers.value_or(path.decoder_layers);
  return path;
}

// --- BERT and DeiT
EncoderSpec bert_of(NetworkName network, const Settings& settings) {
  EncoderSpec spec = bert_spec(static_cast<BertSize>(offset(network, NetworkName::kBertBase)));
  spec.sequence_length = settings.sequence_length.value_or(spec.sequence_length);
  return spec;
}
EncoderSpec deit_of(NetworkName network, const Settings& settings) {
  EncoderSpec spec = deit_spec(static_cast<DeitSize>(offset(network, NetworkName::kDeitTiny)));
  spec.height = settings.image_height.value_or(spec.height);
  spec.width = settings.image_width.value_or(spec.width);
  spec.classes = settings.classes.value_or(spec.classes);
  return spec;
}

Problems nothing(NetworkName, const Settings&, const Knobs&) {
  return {};
}

const NetworkFamily kSegformer = {
    "SegFormer",
    {"image_height", "image_width", "classes", "decoder_channels"},
    {"blocks", "decode_linear_channels", "fuse_input_channels", "predict_input_channels"},
    [](NetworkName n, const Settings& s) { return check_spec(segformer_of(n, s)); },
    [](NetworkName n, const Settings& s, const Knobs& k) {
      return check_path(segformer_of(n, s), segformer_path(k));
    },
    [](NetworkName n, const Settings& s, const Knobs& k) {
      return segformer(segformer_of(n, s), segformer_path(k));
    }};

const NetworkFamily kSwin = {
    "Swin + UPerNet",
    {"image_height", "image_width", "classes", "decoder_channels"},
    {"blocks", "fpn_conv_channels", "fpn_bottleneck_input_channels", "predict_input_channels"},
    [](NetworkName n, const Settings& s) { return check_spec(swin_of(n, s)); },
    check_swin_path,
    [](NetworkName n, const Settings& s, const Knobs& k) {
      return swin_upernet(swin_of(n, s), swin_path(k));
    }};

const NetworkFamily kResnet = {
    "ResNet-50", {"image_height", "image_width", "classes"},
    {},          [](NetworkName n, const Settings& s) { return check_spec(resnet_of(n, s)); },
    nothing,     [](NetworkName n, const Settings& s, const Knobs&) { return resnet50(resnet_of(n, s)); }};

const NetworkFamily kOfa = {
    "Once-For-All ResNet-50D",
    {"classes"},
    {"depth", "expand_ratio", "width_multiplier", "resolution"},
    [](NetworkName, const Settings& s) { return check_spec(ofa_of(s, {})); },
    check_ofa_path,
    [](NetworkName, const Settings& s, const Knobs& k) { return ofa_resnet50(ofa_of(s, k)); }};

const NetworkFamily kDetr = {
    "DETR",
    {"image_height", "image_width", "classes"},
    {"encoder_layers", "decoder_layers"},
    [](NetworkName n, const Settings& s) { return check_spec(detr_of(n, s)); },
    [](NetworkName n, const Settings& s, const Knobs& k) { return check_path(detr_of(n, s), detr_path(k)); },
    [](NetworkName n, const Settings& s, const Knobs& k) { return detr(detr_of(n, s), detr_path(k)); }};

const NetworkFamily kBert = {
    "BERT",
    {"sequence_length"},
    {"encoder_layers"},
    [](NetworkName n, const Settings& s) { return check_bert(bert_of(n, s), bert_of(n, s).layers); },
    [](NetworkName n, const Settings& s, const Knobs& k) {
      const EncoderSpec spec = bert_of(n, s);
      return check_bert(spec, k.encoder_layers.value_or(spec.layers));
    },
    [](NetworkName n, const Settings& s, const Knobs& k) {
      const EncoderSpec spec = bert_of(n, s);
      return bert(spec, k.encoder_layers.value_or(spec.layers));
    }};

const NetworkFamily kDeit = {
    "DeiT",
    {"image_height", "image_width", "classes"},
    {"encoder_layers"},
    [](NetworkName n, const Settings& s) { return check_deit(deit_of(n, s), deit_of(n, s).layers); },
    [](NetworkName n, const Settings& s, const Knobs& k) {
      const EncoderSpec spec = deit_of(n, s);
      return check_deit(spec, k.encoder_layers.value_or(spec.layers));
    },
    [](NetworkName n, const Settings& s, const Knobs& k) {
      const EncoderSpec spec = deit_of(n, s);
      return deit(spec, k.encoder_layers.value_or(spec.layers));
    }};

}  // namespace

const NetworkFamily& family_of(NetworkName network) {
  if (network <= NetworkName::kSegformerB5Cityscapes) {
    return kSegformer;
  }
  switch (network) {
    case NetworkName::kSwinTiny:
    case NetworkName::kSwinSmall:
    case NetworkName::kSwinBase:
      return kSwin;
    case NetworkName::kResnet50V1:
    case NetworkName::kResnet50V15:
      return kResnet;
    case NetworkName::kOfaResnet50:
      return kOfa;
    case NetworkName::kDetrR50:
    case NetworkName::kDetrDc5R50:
    case NetworkName::kDeformableDetrR50:
      return kDetr;
    case NetworkName::kBertBase:
    case NetworkName::kBertLarge:
      return kBert;
    case NetworkName::kDeitTiny:
    case NetworkName::kDeitSmall:
    case NetworkName::kDeitBase:
      return kDeit;
    default:
      throw InternalError("a network without a family");
  }
}

}  // namespace tilewright::workloads
