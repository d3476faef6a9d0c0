// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_ANSWER_QUEUE_H_
#define BROKER_SERVICE_ANSWER_QUEUE_H_

#include <cstddef>
#include <deque>

namespace bpmp::service {

// A pool of slots and a queue through them: memory is made when more slots are in use than ever
// before, and kept for the next time. Slots never move. `Slot` has a member `Slot* next`, which is
// the queue's. Not thread-safe.
template <typename Slot>
class AnswerQueue {
 public:
  // A slot as it was last left.
  Slot* New() {
    if (free_ == nullptr) return &slots_.emplace_back();
    Slot* const slot = free_;
    free_ = slot->next;
    return slot;
  }
  void Free(Slot* slot) {
    slot->next = free_;
    free_ = slot;
  }

  void Push(Slot* slot) {
    slot->next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = slot;
    last_ = slot;
    ++size_;
  }
  // REQUIRES: size() > 0
  Slot* Pop() {
    Slot* const slot = first_;
    first_ = slot->next;
    --size_;
    return slot;
  }
  size_t size() const { return size_; }  // of the queue

 private:
  std::deque<Slot> slots_;
  Slot* free_ = nullptr;
  Slot* first_ = nullptr;
  Slot* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_ANSWER_QUEUE_H_
