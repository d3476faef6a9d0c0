// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/string_view.h"
#include "broker/base/utf8.h"

namespace bpmp::daemon {
namespace {

Position At(const YAML::Mark& mark) {
  return mark.is_null() ? Position{1, 1} : Position{mark.line + 1, mark.column + 1};
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// How many bytes from the start are valid UTF-8.
size_t Utf8Prefix(std::string_view text) {
  size_t valid = 0;
  while (valid < text.size()) {
    const size_t length = Utf8Length(text.substr(valid));
    if (length == 0) break;
    valid += length;
  }
  return valid;
}

// Whether the quoted scalar with which `text` begins has its closing quote. True for what begins
// with no quote (a block scalar).
bool IsClosed(std::string_view text) {
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) return true;
  const char quote = text.front();
  for (size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      // Two single quotes stand for one.
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return true;
      ++i;
    }
  }
  return false;
}

// Leaves yaml-cpp's parser, which has no other way out than an exception. Caught in ParseYaml.
struct Refused : std::exception {
  Refused(Position where, std::string why) : position(where), text(std::move(why)) {}
  const char* what() const noexcept override { return text.c_str(); }

  Position position;
  std::string text;
};

// Builds the tree from the parser's events, which come before yaml-cpp builds anything of its own.
class Builder : public YAML::EventHandler {
 public:
  // `text` is what the parser reads: valid UTF-8, so that its offsets are the parser's.
  explicit Builder(std::string_view text) : text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused(At(mark), "a second document; one file holds one");
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    throw Refused(At(mark), absl::StrCat("anchor '&", name, "' is not allowed; write it out"));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused(At(mark), "aliases ('*name') are not allowed; write the value out");
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(mark, "?", anchor, YamlNode::Kind::kNull);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode& node = Add(mark, tag, anchor, YamlNode::Kind::kScalar);
    // yaml-cpp takes a quote that is never closed for one that ends with the file, and would make
    // one value of the rest of it.
    if (tag == "!" && !IsClosed(text_.substr(static_cast<size_t>(mark.pos)))) {
      throw Refused(At(mark), "a quote that is never closed");
    }
    node.text = value;
    node.quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

  YamlNode Take() { return std::move(root_); }

 private:
  YamlNode& Add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                YamlNode::Kind kind) {
    if (anchor != 0) throw Refused(At(mark), "anchors ('&name') are not allowed");
    if (tag != "?" && tag != "!" && !tag.empty()) {
      throw Refused(At(mark), absl::StrCat("tag '", tag, "' is not allowed"));
    }
    if (++nodes_ > kMaxYamlNodes) {
      throw Refused(At(mark), absl::StrFormat("more than %d values", kMaxYamlNodes));
    }
    YamlNode& node = Slot(mark, kind);
    node.kind = kind;
    node.position = At(mark);
    return node;
  }

  // Where the next node goes: the document, the next element, the next key or the last key's value.
  YamlNode& Slot(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (open_.empty()) return root_;
    YamlNode& parent = *open_.back();
    if (parent.kind == YamlNode::Kind::kMap && parent.keys.size() == parent.items.size()) {
      if (kind != YamlNode::Kind::kScalar) {
        throw Refused(At(mark), "a key must be a plain word");
      }
      return parent.keys.emplace_back();
    }
    return parent.items.emplace_back();
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    if (open_.size() >= kMaxYamlDepth) {
      throw Refused(At(mark), absl::StrFormat("nested deeper than %d levels", kMaxYamlDepth));
    }
    // The pointer stays good: nothing is added to the parent before this node is closed.
    open_.push_back(&Add(mark, tag, anchor, kind));
  }

  const std::string_view text_;
  YamlNode root_;
  std::vector<YamlNode*> open_;
  size_t nodes_ = 0;
  int documents_ = 0;
};

absl::Status Refuse(std::string_view file, Position position, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrFormat("%s:%d:%d: %s", ToAbsl(file), position.line, position.column, ToAbsl(why)));
}

// Where the byte at `offset` is.
Position PositionOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - line_start) + 1};
}

}  // namespace

absl::StatusOr<YamlNode> ParseYaml(std::string_view text, std::string_view file) {
  if (text.size() > kMaxYamlBytes) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: %d bytes; a file may have at most %d",
                                                      ToAbsl(file), text.size(), kMaxYamlBytes));
  }
  // yaml-cpp guesses at other encodings and reads a NUL as the end; neither is ever meant.
  if (const size_t bad = Utf8Prefix(text); bad < text.size()) {
    return Refuse(file, PositionOf(text, bad), "not UTF-8; the file must be UTF-8 text");
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return Refuse(file, PositionOf(text, nul), "a NUL byte; the file must be UTF-8 text");
  }
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  Builder builder(text);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return Refuse(file, refused.position, refused.text);
  } catch (const YAML::Exception& error) {
    return Refuse(file, At(error.mark), absl::StrCat("not YAML: ", error.msg));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(file), ": not YAML: ", error.what()));
  }
  return builder.Take();
}

}  // namespace bpmp::daemon
