// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_ENDPOINT_H_
#define QEMU_CLIENT_SRC_ENDPOINT_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "qemu-client/include/bpmp_client.h"

namespace bpmp::client {

// An error as the C interface returns it, with a sentence for the user.
struct Failure {
  int status = 0;  // a negative errno; 0: none
  std::string text;
};

// Where the broker is, and how a connection to it is made: a Unix socket, TLS over TCP, or a
// descriptor that somebody else has connected.
//
// A Unix socket is connected here and handed to gRPC, because gRPC keeps the reason to itself when
// it can't connect. Not thread-safe.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // A channel with a connection of its own, for one stream. Null: `*failure` says why not.
  virtual std::shared_ptr<grpc::Channel> Connect(Failure* failure) = 0;
  // False: Connect() succeeds at most once.
  virtual bool reconnects() const = 0;
  // The other side may vanish without a sign, as a machine on a network can.
  virtual bool remote() const = 0;
  virtual const std::string& name() const = 0;

  // Checks the configuration; connects nothing. Null: `*failure` says why.
  static std::unique_ptr<Endpoint> Make(const bpmp_client_config& config, Failure* failure);
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_ENDPOINT_H_
