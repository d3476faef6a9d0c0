// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_AUTHORITY_H_
#define TESTS_LIB_AUTHORITY_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace bpmp::testing {

// A certificate authority and what it signs, made by the openssl tool in a directory of its own.
class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  bool made() const { return made_; }  // false: there is no such tool
  const std::string& directory() const { return directory_; }
  // <file>.pem and <file>.key, with one DNS name.
  bool Sign(const std::string& file, const std::string& dns);
  // The broker's own side of a TlsConfig, in text format, with the certificate of that name.
  std::string TlsConfig(const std::string& certificate) const;
  // To localhost:<port>, as the one whose certificate it is; empty: without one.
  std::shared_ptr<grpc::Channel> Connect(int port, const std::string& certificate) const;

 private:
  std::string Path(const std::string& file) const { return directory_ + "/" + file; }
  std::string Read(const std::string& file) const;
  bool Run(const std::string& arguments) const;

  std::string directory_;
  bool made_ = false;
};

}  // namespace bpmp::testing

#endif  // TESTS_LIB_AUTHORITY_H_
