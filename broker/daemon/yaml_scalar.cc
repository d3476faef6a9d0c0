// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/yaml_scalar.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/base/suggest.h"

namespace bpmp::daemon {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Where a value goes.
struct Target {
  const FieldDescriptor* field;
  Message* message;
};

// Calls one of protobuf's setters, or the adder of the same type for a repeated field.
template <typename T, typename V>
std::string Store(const Target& to,
                  void (Reflection::*set)(Message*, const FieldDescriptor*, T) const,
                  void (Reflection::*add)(Message*, const FieldDescriptor*, T) const, V value) {
  const Reflection& reflection = *to.message->GetReflection();
  (reflection.*(to.field->is_repeated() ? add : set))(to.message, to.field, static_cast<T>(value));
  return "";
}

// An integer as written, before it is known to fit anywhere.
struct Number {
  bool negative = false;
  uint64_t magnitude = 0;
  bool huge = false;  // larger than any field
};

std::optional<Number> ParseNumber(std::string_view text) {
  Number number;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    number.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const bool hex = absl::StartsWithIgnoreCase(ToAbsl(text), "0x");
  if (hex) text.remove_prefix(2);
  // The parsers below would skip spaces and take signs of their own.
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), [hex](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return hex ? absl::ascii_isxdigit(byte) : absl::ascii_isdigit(byte);
  });
  if (!digits) return std::nullopt;
  number.huge = hex ? !absl::SimpleHexAtoi(ToAbsl(text), &number.magnitude)
                    : !absl::SimpleAtoi(ToAbsl(text), &number.magnitude);
  return number;
}

template <typename T>
bool Fits(const Number& number) {
  constexpr uint64_t kMax = static_cast<uint64_t>(std::numeric_limits<T>::max());
  constexpr uint64_t kBelowZero = std::is_signed_v<T> ? kMax + 1 : 0;
  return !number.huge && number.magnitude <= (number.negative ? kBelowZero : kMax);
}

template <typename T>
std::string SetInteger(const YamlNode& node, const Target& to,
                       void (Reflection::*set)(Message*, const FieldDescriptor*, T) const,
                       void (Reflection::*add)(Message*, const FieldDescriptor*, T) const) {
  const std::optional<Number> number = node.quoted ? std::nullopt : ParseNumber(node.text);
  if (!number) return absl::StrCat("expected a whole number, got '", Printable(node.text), "'");
  if (!Fits<T>(*number)) {
    return absl::StrCat("out of range: ", Printable(node.text), " is not between ",
                        std::numeric_limits<T>::min(), " and ", std::numeric_limits<T>::max());
  }
  // Two's complement: the lowest value has no positive counterpart, and needs none this way.
  return Store(to, set, add, number->negative ? ~number->magnitude + 1 : number->magnitude);
}

std::string SetBool(const YamlNode& node, const Target& to) {
  if (node.quoted || (node.text != "true" && node.text != "false")) {
    return absl::StrCat("expected true or false, got '", Printable(node.text), "'");
  }
  return Store(to, &Reflection::SetBool, &Reflection::AddBool, node.text == "true");
}

std::string SetString(const YamlNode& node, const Target& to) {
  // A name with a line break or an escape sequence in it would lie in logs and paths.
  for (const char c : node.text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return absl::StrCat("has a control character in it: '", Printable(node.text), "'");
    }
  }
  const Reflection& reflection = *to.message->GetReflection();
  if (to.field->is_repeated()) {
    reflection.AddString(to.message, to.field, node.text);
  } else {
    reflection.SetString(to.message, to.field, node.text);
  }
  return "";
}

std::string SetEnum(const YamlNode& node, const Target& to) {
  const EnumDescriptor& type = *to.field->enum_type();
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    const std::string word = EnumWord(*type.value(i));
    if (word.empty()) continue;
    if (word == node.text) {
      return Store(to, &Reflection::SetEnum, &Reflection::AddEnum, type.value(i));
    }
    words.push_back(word);
  }
  return absl::StrCat("expected one of ", absl::StrJoin(words, ", "), "; got '",
                      Printable(node.text), "'", DidYouMean(node.text, words));
}

// "ON_EXIT_" for OnExit: how the style guide prefixes an enumeration's values.
std::string EnumPrefix(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return prefix + '_';
}

}  // namespace

std::string Printable(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string shown = absl::CHexEscape(ToAbsl(text.substr(0, kShown)));
  return text.size() > kShown ? shown + "..." : shown;
}

std::string EnumWord(const EnumValueDescriptor& value) {
  if (value.number() == 0) return "";
  std::string_view name = value.name();
  const std::string prefix = EnumPrefix(*value.type());
  if (name.substr(0, prefix.size()) == prefix) name.remove_prefix(prefix.size());
  return absl::AsciiStrToLower(ToAbsl(name));
}

std::string SetScalar(const YamlNode& node, const FieldDescriptor* field, Message* message) {
  if (node.kind != YamlNode::Kind::kScalar) {
    return node.kind == YamlNode::Kind::kList ? "expected one value, got a list"
                                              : "expected one value, got named fields";
  }
  const Target to{field, message};
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return SetString(node, to);
    case FieldDescriptor::CPPTYPE_BOOL:
      return SetBool(node, to);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(node, to);
    case FieldDescriptor::CPPTYPE_INT32:
      return SetInteger<int32_t>(node, to, &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_UINT32:
      return SetInteger<uint32_t>(node, to, &Reflection::SetUInt32, &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return SetInteger<int64_t>(node, to, &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT64:
      return SetInteger<uint64_t>(node, to, &Reflection::SetUInt64, &Reflection::AddUInt64);
    default:
      return absl::StrCat("fields of type ", field->cpp_type_name(),
                          " can't be written in YAML here");
  }
}

}  // namespace bpmp::daemon
