// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "bpmp/v1/clocks.pb.h"
#include "bpmp/v1/power_domains.pb.h"
#include "bpmp/v1/resets.pb.h"
#include "broker/service/typed_services.h"

namespace bpmp::service {
namespace {

// A method that is in a proto and not in the table would be UNIMPLEMENTED.
TEST(TypedServicesTest, ServesEveryMethodOfItsProtos) {
  for (const google::protobuf::FileDescriptor* file :
       {v1::ListClocksRequest::descriptor()->file(), v1::ListResetsRequest::descriptor()->file(),
        v1::ListPowerDomainsRequest::descriptor()->file()}) {
    ASSERT_EQ(file->service_count(), 1) << file->name();
    const google::protobuf::ServiceDescriptor& service = *file->service(0);
    EXPECT_GT(service.method_count(), 0);
    for (int i = 0; i < service.method_count(); ++i) {
      const std::string path =
          absl::StrCat("/", service.full_name(), "/", service.method(i)->name());
      EXPECT_TRUE(TypedServices::Serves(path)) << path;
    }
  }
}

TEST(TypedServicesTest, ServesNothingElse) {
  EXPECT_FALSE(TypedServices::Serves(""));
  EXPECT_FALSE(TypedServices::Serves("/bpmp.v1.Clocks/"));
  EXPECT_FALSE(TypedServices::Serves("/bpmp.v1.Clocks/GetClocks"));
  EXPECT_FALSE(TypedServices::Serves("/bpmp.v1.Admin/ListVms"));
}

}  // namespace
}  // namespace bpmp::service
