// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/yaml_proto.h"

#include <google/protobuf/descriptor.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "broker/base/capped.h"
#include "broker/base/read_file.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/base/suggest.h"
#include "broker/daemon/yaml_scalar.h"
#include "broker/daemon/yaml_tree.h"

namespace bpmp::daemon {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// One walk over a tree and a message side by side. Goes on after a problem, to tell them all.
class Converter {
 public:
  Converter(std::string_view file, SourceMap* sources) : file_(file), sources_(sources) {}

  absl::Status Run(const YamlNode& root, Message* message) {
    if (root.kind == YamlNode::Kind::kScalar) {
      Problem(root.position, "", "expected named fields ('name: value'), got one word");
    } else {
      Fill(root, "", message);
    }
    if (problems_.items().empty()) return absl::OkStatus();
    std::string text = absl::StrJoin(problems_.items(), "\n");
    if (problems_.more() > 0) absl::StrAppend(&text, "\n... and ", problems_.more(), " more");
    return absl::InvalidArgumentError(text);
  }

 private:
  void Problem(Position at, const std::string& path, const std::string& what) {
    problems_.Add(absl::StrFormat("%s:%d:%d: %s%s%s", file_, at.line, at.column, path,
                                  path.empty() ? "" : ": ", what));
  }

  void Fill(const YamlNode& node, const std::string& path, Message* message) {
    if (sources_ != nullptr) sources_->Add(message, node.position);
    switch (node.kind) {
      case YamlNode::Kind::kNull:
        return;
      case YamlNode::Kind::kScalar:
        return FillFirst(node, path, message);
      case YamlNode::Kind::kList:
        return Problem(node.position, path, "expected named fields ('name: value'), got a list");
      case YamlNode::Kind::kMap:
        return FillFields(node, path, message);
    }
  }

  // A scalar where a message is expected.
  void FillFirst(const YamlNode& node, const std::string& path, Message* message) {
    const auto* descriptor = message->GetDescriptor();
    const FieldDescriptor* first = descriptor->field_count() > 0 ? descriptor->field(0) : nullptr;
    if (first == nullptr || first->is_repeated() || first->type() != FieldDescriptor::TYPE_STRING) {
      return Problem(node.position, path, "expected named fields ('name: value')");
    }
    FillOne(node, path, message, first);
  }

  void FillFields(const YamlNode& map, const std::string& path, Message* message) {
    const auto* descriptor = message->GetDescriptor();
    absl::flat_hash_set<std::string> seen;
    for (size_t i = 0; i < map.keys.size(); ++i) {
      const YamlNode& key = map.keys[i];
      const std::string name = Printable(key.text);
      const std::string field_path = path.empty() ? name : absl::StrCat(path, ".", name);
      const FieldDescriptor* field = descriptor->FindFieldByName(key.text);
      if (field == nullptr) {
        Problem(key.position, field_path,
                absl::StrCat("no such field", DidYouMean(key.text, FieldNames(*descriptor))));
      } else if (!seen.insert(key.text).second) {
        Problem(key.position, field_path, "written twice");
      } else if (field->is_repeated()) {
        FillList(map.items[i], key, field_path, message, field);
      } else {
        FillField(map.items[i], key, field_path, message, field);
      }
    }
  }

  void FillField(const YamlNode& node, const YamlNode& key, const std::string& path,
                 Message* message, const FieldDescriptor* field) {
    if (sources_ != nullptr) sources_->Add(message, field->number(), 0, key.position);
    if (node.kind == YamlNode::Kind::kNull && !IsMessage(field)) {
      return Problem(key.position, path, "has no value");
    }
    FillOne(node, path, message, field);
  }

  void FillList(const YamlNode& list, const YamlNode& key, const std::string& path,
                Message* message, const FieldDescriptor* field) {
    if (sources_ != nullptr) sources_->Add(message, field->number(), 0, key.position);
    if (list.kind == YamlNode::Kind::kNull) return;
    if (list.kind != YamlNode::Kind::kList) {
      return Problem(list.position, path,
                     "expected a list: '- ...' lines, or [one, two] on one line");
    }
    int index = 0;
    for (const YamlNode& item : list.items) {
      const std::string item_path = absl::StrFormat("%s[%d]", path, index);
      if (sources_ != nullptr) sources_->Add(message, field->number(), index, item.position);
      ++index;
      if (item.kind == YamlNode::Kind::kNull) {
        Problem(list.position, item_path, "has no value");  // an empty item has no place
      } else {
        FillOne(item, item_path, message, field);
      }
    }
  }

  // Sets a singular field, or adds an element to a repeated one.
  void FillOne(const YamlNode& node, const std::string& path, Message* message,
               const FieldDescriptor* field) {
    if (IsMessage(field)) {
      const auto* reflection = message->GetReflection();
      Fill(node, path,
           field->is_repeated() ? reflection->AddMessage(message, field)
                                : reflection->MutableMessage(message, field));
      return;
    }
    const std::string problem = SetScalar(node, field, message);
    if (!problem.empty()) Problem(node.position, path, problem);
  }

  static bool IsMessage(const FieldDescriptor* field) {
    return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  }

  static std::vector<std::string> FieldNames(const google::protobuf::Descriptor& descriptor) {
    std::vector<std::string> names;
    names.reserve(static_cast<size_t>(descriptor.field_count()));
    for (int i = 0; i < descriptor.field_count(); ++i) names.push_back(descriptor.field(i)->name());
    return names;
  }

  const std::string file_;
  SourceMap* const sources_;  // not owned, may be null
  Capped<std::string> problems_{kMaxYamlProblems};
};

}  // namespace

absl::Status LoadYaml(std::string_view text, std::string_view file, Message* message,
                      SourceMap* sources) {
  if (sources != nullptr) *sources = SourceMap(std::string(file));
  BPMP_ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(text, file));
  return Converter(file, sources).Run(root, message);
}

absl::Status LoadYamlFile(const std::string& path, Message* message, SourceMap* sources) {
  BPMP_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxYamlBytes));
  return LoadYaml(text, path, message, sources);
}

}  // namespace bpmp::daemon
