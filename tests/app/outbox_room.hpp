// A log that grows line by line, and an outbox that tells a bus of it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "app/outbox.hpp"
#include "events/log/entry.hpp"
#include "events/log/memory_disk.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/given.hpp"

namespace muster::app {

struct OutboxRoom {
  /// One line of a node's registration, which is told, or of another kind, which is not.
  void add(bool told = true) {
    const AnyEvent event = told ? AnyEvent{given::registered("n1")} : AnyEvent{cluster::MemberStopped{"n1"}};
    std::string text = R"("time":"2026-01-02T03:04:05.678Z","epoch":7,"node":"n1","actor":"system",)";
    append_event(text, event);
    text.pop_back();  // The writer closes it.
    log::EntryWriter entry;
    entry.event(stream_of(event), text + "}");
    log::Batch batch;
    std::vector<log::Line> made;
    chain.apply(chain.head().index + 1, entry.take(), Time{}, batch, made);
    REQUIRE(disk.write(batch, true));
    head = chain.head().seq;
  }
  std::unique_ptr<Outbox> outbox() {
    OutboxOptions options;
    options.bus = told_bus;
    options.names = {told_bus->exchange(), "overlay", "supervisor"};
    options.chain = &reader;
    options.cluster = [this](uint64_t seq) { return seq > restored_after ? "c1@later" : "c1"; };
    options.head = [this] { return head.load(); };
    options.mine = [this] {
      asked++;
      return mine.load();
    };
    options.place = [this]() -> std::optional<uint64_t> {
      const auto at = place.load();
      return at < 0 ? std::nullopt : std::optional{static_cast<uint64_t>(at)};
    };
    options.keep = [this](uint64_t to) -> Status {
      if (!records) return Done{};
      if (!keeps) return Error{"leader.lost", "not now"};
      place = static_cast<int64_t>(to);
      return Done{};
    };
    options.waits = [this] { waited++; };
    options.first_retry = Millis{1};
    options.longest_retry = Millis{4};
    return std::make_unique<Outbox>(std::move(options));
  }
  [[nodiscard]] bool told_to(int64_t seq) const {
    return eventually([&] { return place.load() == seq; });
  }

  log::MemoryDisk disk;
  log::ChainWriter chain{disk};
  log::ChainReader reader{disk};
  std::shared_ptr<EventBus> told_bus;
  std::atomic<uint64_t> head{0};
  std::atomic<int64_t> place{-1};
  std::atomic<bool> mine{true}, keeps{true};
  std::atomic<bool> records{true};  ///< As from the feature level on.
  uint64_t restored_after = UINT64_MAX;
  std::atomic<size_t> asked{0};   ///< Whether it is mine.
  std::atomic<size_t> waited{0};  ///< For the bus to be ready.
};

}  // namespace muster::app
