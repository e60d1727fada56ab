// SPDX-License-Identifier: Apache-2.0
//
// Workload files: the shipped list of execution paths, and what is said about wrong ones.
#include "workloads/paths.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "sim/base/config/load.h"
#include "sim/base/error.h"
#include "tests/base/config_fixture.h"

namespace tilewright::workloads {
namespace {

const char* const kShipped = TILEWRIGHT_SOURCE_DIR "/configs/workloads/segformer_b2_ade_paths.yaml";

// MACs from the closed form of each layer (not from the generator), e.g. an encoder block of C channels, T
// tokens, R x R reduction: T (2 C^2 + 8 C^2 + 36 C + 2 x 256 C) + 256 (2 C^2 + R^2 C^2 where R > 1).
struct Expected {
  const char* name;
  const char* group;
  uint64_t macs;
};
constexpr Expected kPaths[] = {
    // clang-format off
    {"full", "full", 62337843200},
    {"fuse_2560", "fuse_input_channels", 55895392256},
    {"fuse_2304", "fuse_input_channels", 52674166784},
    {"fuse_2048", "fuse_input_channels", 49452941312},
    {"fuse_1792", "fuse_input_channels", 46231715840},
    {"fuse_1536", "fuse_input_channels", 43010490368},
    {"fuse_1280", "fuse_input_channels", 39789264896},
    {"fuse_1024", "fuse_input_channels", 36568039424},
    {"fuse_768", "fuse_input_channels", 33346813952},
    {"fuse_512", "fuse_input_channels", 30125588480},
    {"depth_2463", "encoder_depth", 61022928896},
    {"depth_3363", "encoder_depth", 61303947264},
    {"depth_3453", "encoder_depth", 60952412160},
    {"depth_3462", "encoder_depth", 61460709376},
    {"depth_2352", "encoder_depth", 57726468096},
    {"depth_2343", "encoder_depth", 57218170880},
    {"depth_2242", "encoder_depth", 55307141120},
    {"depth_1231", "encoder_depth", 51729661952},
    {"decode_512", "decode_linear_channels", 48932847616},
    {"decode_384", "decode_linear_channels", 42230349824},
    {"decode_256", "decode_linear_channels", 35527852032},
    {"predict_512", "predict_input_channels", 48823795712},
    {"predict_384", "predict_input_channels", 42066771968},
    {"predict_256", "predict_input_channels", 35309748224},
    {"trimmed_2560", "fuse_trimmed", 55358521344},
    {"trimmed_2304", "fuse_trimmed", 51868860416},
    {"trimmed_2048", "fuse_trimmed", 48513417216},
    {"trimmed_1792", "fuse_trimmed", 45157974016},
    {"trimmed_1536", "fuse_trimmed", 41802530816},
    {"trimmed_1024", "fuse_trimmed", 35192307712},
    {"trimmed_512", "fuse_trimmed", 28632416256},
    {"depth_2463_fuse_2304", "combined", 50553946112},
    {"depth_2352_fuse_2560", "combined", 50747146240},
    {"depth_2352_fuse_2560_predict_640", "combined", 45063864320},
    {"fuse_2304_predict_640", "combined", 46722449408},
    {"depth_2352_fuse_2304", "combined", 47257485312},
    {"depth_2352_fuse_2048", "combined", 43902042112},
    {"depth_3453_fuse_1792", "combined", 43772542976},
    {"depth_2343_fuse_2048", "combined", 43393744896},
    {"depth_2463_fuse_2048_predict_640", "combined", 42588962816},
    {"depth_2352_fuse_2048_predict_640", "combined", 39292502016},
    {"depth_2242_fuse_2304", "combined", 44838158336},
    {"depth_2352_fuse_1792", "combined", 40546598912},
    {"depth_2242_fuse_1536_predict_640", "combined", 31236030464},
    {"depth_1231_fuse_1536_predict_512", "combined", 24122753024},
    // clang-format on
};

PathSet load_text(const std::string& paths, const std::string& more = {}) {
  const test::Folder folder;
  const auto file = folder.write("w.yaml", "kind: workload\nname: w\nnetwork: segformer_b2_ade\n" + more +
                                               "paths:\n  - {name: full, group: full}\n" + paths);
  return config::load<PathSet>(file).value;
}

// Expects one problem; `message` is what follows "w.yaml:".
void check_rejected(const std::string& paths, const std::string& message, const std::string& more = {}) {
  try {
    (void)load_text(paths, more);
    FAIL("accepted, expected: " << message);
  } catch (const UserError& error) {
    const std::string text = error.what();
    CHECK(text.substr(text.find("w.yaml:") + 7) == message);
  }
}

}  // namespace

TEST_CASE("the shipped paths of SegFormer-B2") {
  const PathSet set = config::load<PathSet>(kShipped).value;
  REQUIRE(set.paths.size() == std::size(kPaths));
  for (std::size_t i = 0; i < set.paths.size(); ++i) {
    CHECK(set.paths[i].name == kPaths[i].name);
    CHECK(set.paths[i].group == kPaths[i].group);
    CHECK(set.build(set.paths[i]).macs() == kPaths[i].macs);
    CHECK_FALSE(set.paths[i].accuracy.has_value());
  }
  CHECK(set.paths[0].published[0].value == 62.4);
}

TEST_CASE("the DecodeLinears of the trimmed paths are those that Conv2DFuse still reads") {
  const PathSet set = config::load<PathSet>(kShipped).value;
  const SegformerSpec spec = segformer_spec(SegformerSize::kB2, SegformerData::kAde20k);
  std::size_t trimmed = 0;
  for (const ExecutionPath& path : set.paths) {
    if (path.group == "fuse_trimmed") {
      const auto channels = static_cast<uint32_t>(std::stoul(path.name.substr(path.name.find('_') + 1)));
      CHECK(path.decode_linear_channels->values == matching_decode_linear_channels(spec, channels));
      ++trimmed;
    }
  }
  CHECK(trimmed == 7);
}

TEST_CASE("one number stands for four stages, and survives the resolved file") {
  const PathSet set = load_text(
      "  - {name: one, group: g, decode_linear_channels: 256}\n"
      "  - {name: four, group: g, decode_linear_channels: [256, 256, 256, 256]}\n");
  CHECK(set.paths[1].decode_linear_channels == set.paths[2].decode_linear_channels);
  CHECK(set.paths[1].decode_linear_channels->values == PerStage<uint32_t>{256, 256, 256, 256});

  const config::Resolved<PathSet> shipped = config::load<PathSet>(kShipped);
  const test::Folder folder;
  const config::Resolved<PathSet> again = config::load<PathSet>(folder.write("again.yaml", shipped.yaml));
  CHECK(again.hash == shipped.hash);
  CHECK(again.value.paths.size() == shipped.value.paths.size());
}

TEST_CASE("a workload may change the image, the classes and the decoder") {
  const PathSet set =
      load_text("", "image_height: 64\nimage_width: 128\nclasses: 7\ndecoder_channels: 256\n");
  const Network network = set.build(set.paths[0]);
  CHECK(network.name == "segformer_b2_ade");
  CHECK(network.input == Shape{1, 64, 128, 3});
  CHECK(network.layers.back().output == Shape{1, 16, 32, 7});
  CHECK(network.layers.back().mac.input_channels == 256);
}

TEST_CASE("every network can be named and built") {
  for (const auto& entry : enumeration_names(NetworkName{})) {
    PathSet set;
    set.network = entry.value;
    CHECK(set.build({}).name == entry.name);
    CHECK(name(entry.value) == entry.name);
  }
  CHECK(enumeration_names(NetworkName{}).size() == 26);
}

TEST_CASE("wrong paths are refused where they stand") {
  check_rejected("  - {name: a, group: g, blocks: [3, 4, 7, 3]}\n",
                 "6:40: error: 'paths.1.blocks.2' must be 1 to 6, got 7 [config.inconsistent]\n"
                 "  note: stage 2 of segformer_b2_ade has 6 encoder blocks and keeps at least one");
  check_rejected(
      "  - {name: a, group: g, decode_linear_channels: [768, 768, 768, 0]}\n",
      "6:65: error: 'paths.1.decode_linear_channels.3' must be 1 to 768, got 0 [config.inconsistent]\n"
      "  note: a DecodeLinear of segformer_b2_ade has 768 output channels; nothing else reads stage 3");
  check_rejected(
      "  - {name: a, group: g, decode_linear_channels: 256, fuse_input_channels: 2048}\n",
      "6:75: error: 'paths.1.fuse_input_channels' must be 1 to 1024, got 2048 [config.inconsistent]\n"
      "  note: the DecodeLinears hand on 1024 channels");
  check_rejected(
      "  - {name: a, group: g, predict_input_channels: 0}\n",
      "6:49: error: 'paths.1.predict_input_channels' must be 1 to 768, got 0 [config.inconsistent]\n"
      "  note: Conv2DFuse of segformer_b2_ade has 768 output channels");
  check_rejected("  - {name: full, group: g}\n",
                 "6:12: error: 'paths.1.name' must differ from the names of earlier paths, got 'full' "
                 "[config.inconsistent]");
  check_rejected(
      "  - {name: a, group: g, accuracy: 0.46}\n",
      "6:35: error: 'paths.1.accuracy' needs 'accuracy_source': who measured it, and where that is "
      "published [config.inconsistent]");
  check_rejected(
      "",
      "4:15: error: 'image_height' must be a multiple of 32 from 32 to 65536, got 500 "
      "[config.inconsistent]\n  note: the stages of segformer_b2_ade divide the image by 4, 8, 16 and 32",
      "image_height: 500\n");
}

TEST_CASE("the first path is the full network") {
  const test::Folder folder;
  const auto file = folder.write("w.yaml",
                                 "kind: workload\nname: w\nnetwork: segformer_b2_ade\n"
                                 "paths: [{name: a, group: g, fuse_input_channels: 512}]\n");
  CHECK_THROWS_AS((void)config::load<PathSet>(file), UserError);
}

TEST_CASE("every shipped workload loads, builds all of its paths, and keeps less on all but the first") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TILEWRIGHT_SOURCE_DIR "/configs/workloads")) {
    if (config::kind_of(entry.path(), {"workload", "network", "attention"}) != "workload") {
      continue;
    }
    INFO(entry.path().string());
    ++files;
    const PathSet set = config::load<PathSet>(entry.path()).value;
    const uint64_t full = set.build(set.paths.front()).macs();
    for (const ExecutionPath& path : set.paths) {
      CHECK((&path == &set.paths.front()) == (set.build(path).macs() == full));
      CHECK(set.build(path).macs() <= full);
      CHECK_FALSE(path.accuracy.has_value());  // no path of these has a published one
    }
  }
  CHECK(files >= 7);
}

TEST_CASE("stand-ins for published Once-For-All subnets have their MACs and weights") {
  const PathSet set =
      config::load<PathSet>(TILEWRIGHT_SOURCE_DIR "/configs/workloads/ofa_resnet50_subnets.yaml").value;
  const double millions[] = {30.9, 26.5, 28.7, 29.0, 20.7, 19.3, 14.5, 9.6};
  std::size_t stand_ins = 0;
  for (const ExecutionPath& path : set.paths) {
    if (path.group == "published_size") {
      INFO(path.name);
      const Network network = set.build(path);
      CHECK(double(network.macs()) / 1e9 == doctest::Approx(path.published.at(0).value).epsilon(0.02));
      CHECK(double(network.weights()) / 1e6 == doctest::Approx(millions[stand_ins]).epsilon(0.02));
      ++stand_ins;
    }
  }
  CHECK(stand_ins == 8);
}

TEST_CASE("editors learn both forms of a value for each stage") {
  const std::string text = config::json_schema(config::schema_of<PathSet>());
  CHECK(nlohmann::json::parse(text).is_object());
  const std::size_t key = text.find("\"decode_linear_channels\"");
  REQUIRE(key != std::string::npos);
  CHECK(text.find("\"anyOf\"", key) < text.find("\"fuse_input_channels\"", key));
}

}  // namespace tilewright::workloads
