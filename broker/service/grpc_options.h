// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_GRPC_OPTIONS_H_
#define BROKER_SERVICE_GRPC_OPTIONS_H_

#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/server_builder.h>

namespace bpmp::service {

// The largest message a VM's socket takes, in bytes. The data plane's have less than 200; the typed
// services' less than 1000.
inline constexpr int kMaxGuestMessage = 4096;

// What the servers that VMs talk to have in common: bounds on what a peer can make the broker keep.
inline void BoundGuestServer(grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(kMaxGuestMessage);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8192);
  // The windows stay small instead of growing with the speed of a local socket.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // A connection that nobody serves any more is found out: one whose process has ended while
  // another inherited the descriptor, or one whose machine is gone.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients may look after their side in the same way.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1'000);
}

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_GRPC_OPTIONS_H_
