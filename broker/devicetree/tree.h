// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DEVICETREE_TREE_H_
#define BROKER_DEVICETREE_TREE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace bpmp::devicetree {

// Limits of what is read; a board's tree has some thousand nodes, 12 levels and 400 KiB. Linux for
// arm64 takes no tree over 2 MiB.
inline constexpr size_t kMaxBytes = size_t{4} << 20;
inline constexpr size_t kMaxNodes = 16'384;
inline constexpr int kMaxDepth = 32;
inline constexpr size_t kMaxNameLength = 127;  // of a node or property

// The running kernel's tree.
inline constexpr char kLiveTree[] = "/sys/firmware/fdt";

struct Property {
  std::string_view name;
  std::string_view value;  // as it is in the tree: cells are big-endian
};

// A node of a Tree; lives as long as that does.
struct Node {
  std::string_view name;  // "serial@3100000"; empty for the root
  const Node* parent = nullptr;
  absl::Span<const Property> properties;
  std::vector<const Node*> children;

  // "/bus@0/serial@3100000"
  std::string Path() const;
  // Null when there is none.
  const Property* Find(std::string_view property) const;
  // The value of a property that is one cell.
  std::optional<uint32_t> Cell(std::string_view property) const;
  // The strings of a list of strings; none where there is no such property.
  std::vector<std::string_view> Strings(std::string_view property) const;
  bool IsCompatible(std::string_view with) const;
  // `status` of the node and of those above it is absent or "okay".
  bool IsEnabled() const;
};

// A flattened device tree (a .dtb file, or /sys/firmware/fdt) that was read, checked and indexed.
// The bytes may be hostile: what Parse() accepts is well-formed, within the limits above, and its
// names are characters that dtc takes, fit for messages and for dtc's sources; looking anything up
// takes time that doesn't grow with the tree. Immutable, movable, thread-safe.
class Tree {
 public:
  // `origin` names the tree in errors. InvalidArgument says what is wrong, and where.
  static absl::StatusOr<Tree> Parse(std::string_view bytes, std::string_view origin);
  // Of a file. NotFound and PermissionDenied as open(2) says.
  static absl::StatusOr<Tree> Read(const std::string& path);

  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;
  ~Tree();

  const std::string& origin() const;
  const Node& root() const;
  // In the order of the tree, the root first.
  const std::vector<Node>& nodes() const;

  // Null when there is none.
  const Node* FindPath(std::string_view path) const;
  // Null when no node, or more than one, has that phandle.
  const Node* FindPhandle(uint32_t phandle) const;
  // The node that a person calls `name`: a path; a label, where the tree was compiled with them
  // (dtc -@); an alias; a node's name, with its address or, if that is enough, without. NotFound,
  // with what comes close; InvalidArgument when several nodes are called that, with their paths.
  absl::StatusOr<const Node*> Resolve(std::string_view name) const;
  // All that Resolve() takes for this node: labels, the name if it is the only one's, the path,
  // aliases. In this order.
  std::vector<std::string> NamesOf(const Node& node) const;

 private:
  class Reader;
  struct Index;

  explicit Tree(std::unique_ptr<Index> index);

  std::unique_ptr<Index> index_;
};

}  // namespace bpmp::devicetree

#endif  // BROKER_DEVICETREE_TREE_H_
