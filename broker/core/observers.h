// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_OBSERVERS_H_
#define BROKER_CORE_OBSERVERS_H_

#include <utility>
#include <vector>

#include "broker/core/event.h"

namespace bpmp::core {

// Passes everything on to several observers, in order. They are not owned.
class Observers final : public Observer {
 public:
  explicit Observers(std::vector<Observer*> observers) : observers_(std::move(observers)) {}

  void OnChange(const Change& change) override {
    for (Observer* observer : observers_) observer->OnChange(change);
  }
  void OnEvent(const Event& event) override {
    for (Observer* observer : observers_) observer->OnEvent(event);
  }

 private:
  const std::vector<Observer*> observers_;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_OBSERVERS_H_
