// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_BOARD_IDS_H_
#define BROKER_CORE_TESTING_BOARD_IDS_H_

#include <cstdint>

#include "broker/base/ids.h"

// A board small enough to hold in the head:
//
//   osc ─┬─ plla ── plla_div ─┬─ plla_gate ── gpu_sys
//        │                    ├─ uart*, spi*, i2c*    (* mux of plla_div, pllb_div, clk_m)
//        │                    └─ eth_app
//        └─ pllb ── pllb_div ─┬─ eth_tx, eth_rx
//                   │         └─ bus, link, lane      (rates by policy max, first, range)
//                   └─ gpu, vic*, nvdec*              (* mux of pllb, plla_div, clk_m)
//   clk_m ─┬─ fuse, can0, can1, found
namespace bpmp::core::testing {

// 24 clocks; ids 0 and 13 are holes.
inline constexpr ClockId kHole{13};
inline constexpr ClockId kOsc{1}, kClkM{2}, kPllA{3}, kPllB{4}, kPllADiv{5}, kPllBDiv{6},
    kPllAGate{7}, kUart{8}, kSpi{9}, kI2c{10}, kCan0{11}, kCan1{12}, kEthApp{14}, kEthTx{15},
    kEthRx{16}, kGpu{17}, kGpuSys{18}, kVic{19}, kNvdec{20}, kFuse{21}, kBus{22}, kLink{23},
    kLane{24}, kFound{25};
inline constexpr uint32_t kClockCount = 26;

// Resets; kVideoReset is shared by two VMs. Id 0 is nobody's.
inline constexpr ResetId kUartReset{1}, kEthReset{2}, kEthPcsReset{3}, kGpuReset{4}, kVideoReset{5},
    kSpiReset{6};
inline constexpr uint32_t kResetCount = 7;

// Domains: kVideoDomain is shared by two VMs, kGpuDomain is found on, kSpareDomain is nobody's.
inline constexpr DomainId kEthDomain{0}, kGpuDomain{1}, kVideoDomain{2}, kSpareDomain{3};
inline constexpr uint32_t kDomainCount = 4;

// VMs, by slot.
inline constexpr VmId kUartVm{1};        // uart
inline constexpr VmId kSpiVm{2};         // spi, and `vote` on uart
inline constexpr VmId kEthVm{3};         // eth
inline constexpr VmId kGpuVm{4};         // gpu
inline constexpr VmId kVicVm{5};         // vic
inline constexpr VmId kNvdecVm{6};       // nvdec
inline constexpr VmId kCan0Vm{7};        // can0; `vote` on bus, link, lane, i2c
inline constexpr VmId kCan1Vm{8};        // can1; `vote` on bus, link, lane, i2c
inline constexpr VmId kGuestVm{9};       // `get` on uart, else nothing
inline constexpr uint32_t kAgents = 10;  // with the host

// Rates at boot.
inline constexpr int64_t kMHz = 1'000'000;
inline constexpr int64_t kUartBootRate = 48 * kMHz;

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_BOARD_IDS_H_
