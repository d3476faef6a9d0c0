// SPDX-License-Identifier: Apache-2.0
// From bytes to a Tree. libfdt reads the format; what it doesn't bound is bounded here.
#include <libfdt.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/read_file.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/devicetree/index.h"
#include "broker/devicetree/tree.h"

namespace bpmp::devicetree {
namespace {

// The version that dtc, boot loaders and Linux write. In older ones a string's end isn't bounded by
// its block.
constexpr uint32_t kVersion = 17;

bool IsName(std::string_view name, std::string_view marks) {
  return !name.empty() && name.size() <= kMaxNameLength &&
         std::all_of(name.begin(), name.end(), [marks](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  marks.find(c) != std::string_view::npos;
         });
}

// As dtc's own checks have it.
bool IsNodeName(std::string_view name) {
  return IsName(name, ",._+-@") && name.find('@') == name.rfind('@');
}
bool IsPropertyName(std::string_view name) { return IsName(name, ",._+*#?-"); }

absl::Status Error(std::string_view origin, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(origin), ": ", ToAbsl(what)));
}

absl::Status CheckHeader(const std::vector<char>& blob, std::string_view origin) {
  if (blob.size() > kMaxBytes) {
    return Error(origin,
                 absl::StrFormat("is over %d MiB, too large for a device tree", kMaxBytes >> 20));
  }
  if (blob.size() < sizeof(fdt_header)) {
    return Error(origin, "is no compiled device tree: it is too short");
  }
  const void* const fdt = blob.data();
  if (fdt_magic(fdt) != FDT_MAGIC) {
    return Error(
        origin,
        "is no compiled device tree; sources are compiled by: dtc -I dts -O dtb -o F.dtb F");
  }
  if (fdt_version(fdt) < kVersion || fdt_last_comp_version(fdt) > kVersion) {
    return Error(origin, absl::StrFormat("has format %d, not %d; write it anew by: "
                                         "dtc -I dtb -O dtb -o NEW.dtb OLD.dtb",
                                         fdt_version(fdt), kVersion));
  }
  if (const int error = fdt_check_header(fdt); error != 0) {
    return Error(origin, absl::StrCat("has a broken header: ", fdt_strerror(error)));
  }
  if (fdt_totalsize(fdt) > blob.size()) {
    return Error(origin, absl::StrFormat("is cut off: it has %d of %d bytes", blob.size(),
                                         fdt_totalsize(fdt)));
  }
  return absl::OkStatus();
}

// libfdt looks for a name's end each time the name is used: with one endless name for thousands of
// properties that takes for ever.
absl::Status CheckStrings(const std::vector<char>& blob, std::string_view origin) {
  const void* const fdt = blob.data();
  const std::string_view strings(blob.data() + fdt_off_dt_strings(fdt), fdt_size_dt_strings(fdt));
  for (size_t at = 0; at < strings.size();) {
    const size_t end = std::min(strings.find('\0', at), strings.size());
    if (end - at > kMaxNameLength) {
      return Error(origin, absl::StrFormat("has a property whose name is over %d characters",
                                           kMaxNameLength));
    }
    at = end + 1;
  }
  return absl::OkStatus();
}

uint32_t CellAt(std::string_view block, size_t at) {
  return fdt32_ld(reinterpret_cast<const fdt32_t*>(block.data() + at));
}

// How far a node's or property's own bytes go from `at`, which is behind its tag; none: too far.
std::optional<size_t> SizeOfPart(std::string_view block, size_t at, uint32_t tag) {
  if (tag == FDT_BEGIN_NODE) {
    const size_t end = block.find('\0', at);
    if (end == std::string_view::npos) return std::nullopt;
    return end + 1 - at;
  }
  if (tag != FDT_PROP) return 0;
  constexpr size_t kHead = 2 * sizeof(fdt32_t);  // the length, and where the name is
  const size_t left = block.size() - at;
  if (left < kHead || CellAt(block, at) > left - kHead) return std::nullopt;
  return kHead + CellAt(block, at);
}

// libfdt 1.6 adds a property's length as it is: one near 2^32 leads it back to where it has been,
// and around for ever.
absl::Status CheckLengths(const std::vector<char>& blob, std::string_view origin) {
  const void* const fdt = blob.data();
  const std::string_view block(blob.data() + fdt_off_dt_struct(fdt), fdt_size_dt_struct(fdt));
  for (size_t at = 0; at + FDT_TAGSIZE <= block.size();) {
    const uint32_t tag = CellAt(block, at);
    if (tag == FDT_END) break;
    at += FDT_TAGSIZE;
    const auto size = SizeOfPart(block, at, tag);
    if (!size) {
      return Error(origin, absl::StrFormat("is broken: what begins at byte %d is longer than the "
                                           "tree",
                                           fdt_off_dt_struct(fdt) + at - FDT_TAGSIZE));
    }
    at += (*size + FDT_TAGSIZE - 1) / FDT_TAGSIZE * FDT_TAGSIZE;
  }
  return absl::OkStatus();
}

}  // namespace

// One reading of one tree.
class Tree::Reader {
 public:
  explicit Reader(Index* index) : index_(*index) {}

  absl::Status Run() {
    BPMP_RETURN_IF_ERROR(CheckHeader(index_.blob, index_.origin));
    BPMP_RETURN_IF_ERROR(CheckStrings(index_.blob, index_.origin));
    BPMP_RETURN_IF_ERROR(CheckLengths(index_.blob, index_.origin));
    if (const int error = fdt_check_full(fdt(), index_.blob.size()); error != 0) {
      return Error(index_.origin, absl::StrCat("is broken: ", fdt_strerror(error)));
    }
    BPMP_RETURN_IF_ERROR(Count());
    index_.nodes.reserve(node_count_);
    index_.properties.reserve(property_count_);
    BPMP_RETURN_IF_ERROR(ReadNodes());
    index_.Build();
    return CheckIsWhole();
  }

 private:
  const void* fdt() const { return index_.blob.data(); }

  // So that no vector grows while there are pointers into it.
  absl::Status Count() {
    int depth = 0;
    for (int at = 0; at >= 0 && depth >= 0; at = fdt_next_node(fdt(), at, &depth)) {
      if (depth >= kMaxDepth) {
        return Error(index_.origin, absl::StrFormat("is nested over %d levels deep", kMaxDepth));
      }
      if (++node_count_ > kMaxNodes) {
        return Error(index_.origin, absl::StrFormat("has over %d nodes", kMaxNodes));
      }
      int property = 0;
      fdt_for_each_property_offset(property, fdt(), at)++ property_count_;
    }
    return absl::OkStatus();
  }

  absl::Status ReadNodes() {
    Node* open[kMaxDepth] = {};
    int depth = 0;
    for (int at = 0; at >= 0 && depth >= 0; at = fdt_next_node(fdt(), at, &depth)) {
      Node* const parent = depth == 0 ? nullptr : open[depth - 1];
      BPMP_ASSIGN_OR_RETURN(open[depth], ReadNode(at, parent));
      if (parent != nullptr) parent->children.push_back(open[depth]);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Node*> ReadNode(int at, const Node* parent) {
    int length = 0;
    const char* const name = fdt_get_name(fdt(), at, &length);
    if (name == nullptr) return Error(index_.origin, "has a node without a name");
    Node node;
    node.name = {name, static_cast<size_t>(length)};
    node.parent = parent;
    if (parent == nullptr) {
      node.name = {};
    } else if (!IsNodeName(node.name)) {
      return Error(index_.origin, absl::StrCat(parent->Path(),
                                               ": the name of a node in it has characters that no "
                                               "name may have, or too many"));
    }
    const size_t first = index_.properties.size();
    int property = 0;
    fdt_for_each_property_offset(property, fdt(), at) {
      const char* key = nullptr;
      int size = 0;
      const void* const value = fdt_getprop_by_offset(fdt(), property, &key, &size);
      if (value == nullptr || key == nullptr || !IsPropertyName(key)) {
        return Error(index_.origin, absl::StrCat(node.Path(),
                                                 ": a property of it has a name that no property "
                                                 "may have, or no value"));
      }
      index_.properties.push_back(
          {key, {static_cast<const char*>(value), static_cast<size_t>(size)}});
    }
    node.properties =
        absl::MakeConstSpan(index_.properties).subspan(first, index_.properties.size() - first);
    index_.nodes.push_back(std::move(node));
    return &index_.nodes.back();
  }

  // An overlay refers to what isn't in it.
  absl::Status CheckIsWhole() const {
    const Node* const fixups = index_.FindPath("/__fixups__");
    const Node* const overlay = index_.FindPath("/fragment@0/__overlay__");
    if ((fixups == nullptr || fixups->properties.empty()) && overlay == nullptr) {
      return absl::OkStatus();
    }
    return Error(index_.origin,
                 "is an overlay; apply it first, and give the result: "
                 "fdtoverlay -i BASE.dtb -o WHOLE.dtb OVERLAY.dtbo");
  }

  Index& index_;
  size_t node_count_ = 0;
  size_t property_count_ = 0;
};

absl::StatusOr<Tree> Tree::Parse(std::string_view bytes, std::string_view origin) {
  auto index = std::make_unique<Index>();
  index->origin = std::string(origin);
  index->blob.assign(bytes.begin(), bytes.end());
  BPMP_RETURN_IF_ERROR(Reader(index.get()).Run());
  return Tree(std::move(index));
}

absl::StatusOr<Tree> Tree::Read(const std::string& path) {
  BPMP_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxBytes));
  return Parse(bytes, path);
}

}  // namespace bpmp::devicetree
