// SPDX-License-Identifier: Apache-2.0
#include "broker/trace/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/trace/codec.h"

namespace bpmp::trace {
namespace {

constexpr size_t kChunk = size_t{64} << 10;

absl::Status CantRead(const std::string& path, int error) {
  const std::string text = absl::StrCat("can't read ", path, ": ", std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
  return absl::FailedPreconditionError(text);
}

}  // namespace

absl::StatusOr<Reader> Reader::Open(const std::string& path) {
  // Without waiting for somebody to write into a pipe of that name.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return CantRead(path, errno);
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return absl::FailedPreconditionError(absl::StrCat(path, " is no regular file"));
  }
  File file(fdopen(fd, "rb"));
  if (file == nullptr) {
    const int error = errno;
    close(fd);
    return CantRead(path, error);
  }
  return Begin(path, std::move(file));
}

absl::StatusOr<Reader> Reader::OverBytes(std::string_view bytes) {
  // Opened for reading, so the bytes aren't written to.
  File file(fmemopen(const_cast<char*>(bytes.data()), bytes.size(), "rb"));
  if (file == nullptr) return CantRead("memory", errno);
  return Begin("memory", std::move(file));
}

absl::StatusOr<Reader> Reader::Begin(std::string path, File file) {
  Reader reader(std::move(path), std::move(file));
  BPMP_RETURN_IF_ERROR(reader.ReadHeader());
  return reader;
}

absl::Status Reader::ReadHeader() {
  while (buffer_.size() < kMagic.size()) {
    BPMP_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) break;
  }
  const std::string_view magic(reinterpret_cast<const char*>(buffer_.data()),
                               std::min(buffer_.size(), kMagic.size()));
  const size_t version_at = kMagic.size() - 1;
  if (magic.size() < kMagic.size() || magic.substr(0, version_at) != kMagic.substr(0, version_at)) {
    return absl::InvalidArgumentError(absl::StrCat(path_, " is no trace of a bpmp-broker"));
  }
  if (magic.back() != kMagic.back()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, " is a trace of version ", static_cast<uint8_t>(magic.back()),
                     ", and this program reads version ", static_cast<uint8_t>(kMagic.back())));
  }
  used_ = kMagic.size();
  BPMP_ASSIGN_OR_RETURN(auto first, Decode());
  if (!first || !std::holds_alternative<Start>(*first)) {
    return Damaged("it doesn't begin with who wrote it");
  }
  start_ = std::get<Start>(*std::move(first));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Record>> Reader::Next() {
  if (!failure_.ok()) return failure_;
  auto record = Advance();
  failure_ = record.status();
  return record;
}

absl::StatusOr<std::optional<Record>> Reader::Advance() {
  if (finished_) return std::nullopt;
  BPMP_ASSIGN_OR_RETURN(std::optional<Record> record, Decode());
  if (!record) {
    finished_ = true;
    return std::nullopt;
  }
  if (end_) return Damaged("something follows the end");
  if (std::holds_alternative<Start>(*record)) return Damaged("it begins a second time");
  if (const auto* name = std::get_if<VmName>(&*record)) names_[name->vm] = name->name;
  if (const auto* dropped = std::get_if<Dropped>(&*record)) {
    // A count that nobody can have counted is still a count.
    dropped_ = dropped->count > ~dropped_ ? ~uint64_t{0} : dropped_ + dropped->count;
  }
  if (const auto* end = std::get_if<End>(&*record)) end_ = *end;
  return record;
}

absl::StatusOr<std::optional<Record>> Reader::Decode() {
  while (true) {
    auto decoded = DecodeFront(absl::MakeConstSpan(buffer_).subspan(used_));
    if (!decoded.ok()) return Damaged(std::string(decoded.status().message()));
    if (*decoded) {
      used_ += (*decoded)->size;
      return std::move((*decoded)->record);
    }
    BPMP_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) {
      if (end_ && used_ < buffer_.size()) return Damaged("something follows the end");
      return std::nullopt;
    }
  }
}

absl::StatusOr<bool> Reader::Fill() {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
  base_ += std::exchange(used_, 0);
  const size_t kept = buffer_.size();
  buffer_.resize(kept + kChunk);
  const size_t read = std::fread(buffer_.data() + kept, 1, kChunk, file_.get());
  buffer_.resize(kept + read);
  if (read == 0 && std::ferror(file_.get()) != 0) return CantRead(path_, errno);
  return read > 0;
}

absl::Status Reader::Damaged(std::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(path_, " is damaged at byte ", base_ + used_, ": ", ToAbsl(why)));
}

std::string Reader::NameOf(VmId vm) const {
  if (vm == kHost) return "host";
  const auto found = names_.find(vm);
  return found == names_.end() || found->second.empty() ? ToString(vm) : found->second;
}

}  // namespace bpmp::trace
