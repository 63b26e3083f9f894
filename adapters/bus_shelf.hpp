// What the in-process bus keeps over a restart: its exchanges, queues, bindings, messages and the keys it
// saw, as rows of the node's `local` column (docs/log_format.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/ports/event_bus.hpp"
#include "base/time.hpp"
#include "events/log/disk.hpp"

namespace muster {

/// A message, once however many queues hold it.
struct HeldMessage {
  BusMessage message;
  uint64_t number = 0;  ///< Of its row.
  size_t holders = 0;   ///< How many places it has in queues.
};

/// One place in a queue.
struct HeldPlace {
  std::shared_ptr<HeldMessage> held;
  uint64_t at = 0;  ///< Places of a queue are in this order.
  Time expires{};
  int hops = 0;  ///< How often it was dead-lettered.
};

/// The rows, put into a batch or read back.
class BusShelf {
public:
  /// Collects changes until take_changes().
  void put_exchange(std::string_view name, std::string_view type);
  void put_queue(const profile::Queue& queue, uint64_t number);
  void put_binding(const profile::Binding& binding);
  void put_message(const HeldMessage& held);
  void put_place(uint64_t queue, const HeldPlace& place);
  void put_key(uint64_t number, std::string_view key);
  void erase_binding(const profile::Binding& binding);
  void erase_message(uint64_t number);
  void erase_place(uint64_t queue, uint64_t at);
  void erase_key(uint64_t number);
  /// All rows there are; what is put afterwards stays.
  void erase_all();
  [[nodiscard]] log::Batch take_changes();

  /// Who is told of each row, in the order of the rows: exchanges and queues, then bindings, then messages,
  /// then their places, then keys.
  struct Reader {
    std::function<void(std::string name, std::string type)> exchange;
    std::function<void(profile::Queue queue, uint64_t number)> queue;
    std::function<void(profile::Binding binding)> binding;
    std::function<void(HeldMessage held)> message;
    std::function<void(uint64_t queue, uint64_t message, HeldPlace place)> place;
    std::function<void(uint64_t number, std::string key)> key;
  };
  /// How many rows could not be read. Throws log::Unreadable.
  static size_t read(const log::Disk& disk, const Reader& reader);

private:
  log::Batch batch_;
};

}  // namespace muster
