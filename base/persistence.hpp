// What keeping runs and replies on disk takes, and what had to go: flowd_persistence_* of /metrics (jobs
// contract, section 15).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/durations.hpp"

namespace muster {

inline constexpr std::array<double, 12> kPersistenceMs{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000};

/// Counts since this process started. Any thread.
class Persistence {
public:
  /// An operation with its outcome: a reply looked up under an idempotency key, or committed under one;
  /// output added to the journal of a run, or read from it.
  enum Outcome : uint8_t {
    lookup_hit,
    lookup_miss,
    lookup_expired,
    lookup_error,
    store_ok,
    store_error,
    append_ok,
    append_quota_exceeded,  ///< The disk, or a quota of it, is full.
    append_error,
    read_ok,
    read_error,
    kOutcomes
  };
  struct Name {
    const char *operation, *outcome;
  };
  static constexpr std::array<Name, kOutcomes> kNames{{{"idempotency_lookup", "hit"},
                                                       {"idempotency_lookup", "miss"},
                                                       {"idempotency_lookup", "expired"},
                                                       {"idempotency_lookup", "error"},
                                                       {"idempotency_store", "ok"},
                                                       {"idempotency_store", "error"},
                                                       {"journal_append", "ok"},
                                                       {"journal_append", "quota_exceeded"},
                                                       {"journal_append", "error"},
                                                       {"journal_read", "ok"},
                                                       {"journal_read", "error"}}};
  enum Kind : uint8_t { journal, idempotency, kKinds };
  static constexpr std::array<const char*, kKinds> kKindNames{"journal", "idempotency"};

  using Latency = Durations<kPersistenceMs, std::chrono::duration<double, std::milli>>;
  using Clock = std::chrono::steady_clock;

  void took(Outcome outcome, Clock::time_point since) { latencies_[outcome].observe(Clock::now() - since); }
  /// Something of so many bytes went to make room, or because its time was over.
  void evicted(Kind kind, uint64_t bytes) {
    evictions_[kind].fetch_add(1, std::memory_order_relaxed);
    evicted_bytes_[kind].fetch_add(bytes, std::memory_order_relaxed);
  }

  [[nodiscard]] Latency::Counts latency(size_t outcome) const { return latencies_[outcome].counts(); }
  [[nodiscard]] uint64_t evictions(size_t kind) const { return evictions_[kind]; }
  [[nodiscard]] uint64_t evicted_bytes(size_t kind) const { return evicted_bytes_[kind]; }

private:
  std::array<Latency, kOutcomes> latencies_;
  std::array<std::atomic<uint64_t>, kKinds> evictions_{}, evicted_bytes_{};
};

}  // namespace muster
