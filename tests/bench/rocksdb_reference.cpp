// What bare RocksDB does here: the references that the product's figures stand beside.
#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include "events/log/rows.hpp"
#include "measure.hpp"

using namespace bench;

namespace {

void must(const rocksdb::Status& status) {
  if (!status.ok()) give_up(status.ToString());
}

rocksdb::Options options() {
  rocksdb::Options chosen;
  chosen.create_if_missing = true;
  chosen.write_buffer_size = 64 << 20;
  return chosen;
}

std::unique_ptr<rocksdb::DB> open(const std::string& folder) {
  rocksdb::DB* db = nullptr;
  must(rocksdb::DB::Open(options(), folder, &db));
  return std::unique_ptr<rocksdb::DB>(db);
}

std::string key_of(uint64_t n) {
  std::string key(8, '\0');
  for (size_t i = 0; i < 8; i++) key[i] = static_cast<char>(n >> (8 * (7 - i)));
  return key;
}

std::string value() {
  std::string bytes(300, 'x');
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>('a' + (i * 7) % 26);
  return bytes;
}

rocksdb::WriteOptions synced() {
  rocksdb::WriteOptions write;
  write.sync = true;
  return write;
}

/// One writer: `batch` records of 300 bytes, then a sync, again and again.
void write_batches(const Arguments& given) {
  const auto db = open(given.text("folder"));
  const auto size = static_cast<uint64_t>(given.whole("batch", 1));
  const std::string record = value();
  Latencies latencies;
  uint64_t n = 0;
  const double began = now(), end = began + given.number("seconds", 5);
  while (now() < end) {
    const double start = now();
    rocksdb::WriteBatch batch;
    for (uint64_t i = 0; i < size; i++) must(batch.Put(key_of(n++), record));
    must(db->Write(synced(), &batch));
    latencies.add(now() - start);
  }
  Figures figures;
  figures.add("rate", static_cast<double>(n) / (now() - began));
  figures.add("p50_us", latencies.at(0.5)).add("p99_us", latencies.at(0.99)).print();
}

/// What waits for the writer thread, and what it has made durable.
struct Exchange {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<size_t> waiting, done;
  bool stop = false;
};

void write_what_waits(Exchange& exchange, rocksdb::DB& db) {
  const std::string record = value();
  uint64_t n = 0;
  std::vector<size_t> taken;
  for (;;) {
    {
      std::unique_lock lock(exchange.mutex);
      exchange.wake.wait(lock, [&] { return exchange.stop || !exchange.waiting.empty(); });
      if (exchange.stop) return;
      taken.swap(exchange.waiting);
    }
    rocksdb::WriteBatch batch;
    for (size_t i = 0; i < taken.size(); i++) must(batch.Put(key_of(n++), record));
    must(db.Write(synced(), &batch));
    std::lock_guard lock(exchange.mutex);
    exchange.done.insert(exchange.done.end(), taken.begin(), taken.end());
    taken.clear();
    exchange.wake.notify_all();
  }
}

/// One writer thread with its own group commit, and another thread that plays `clients` which each have one
/// record in flight. Clients with threads of their own would only be slower.
void group_commit(const Arguments& given) {
  const auto db = open(given.text("folder"));
  Exchange exchange;
  std::vector<double> sent(static_cast<size_t>(given.whole("clients", 64)), now());
  for (size_t i = 0; i < sent.size(); i++) exchange.waiting.push_back(i);
  std::thread writer([&] { write_what_waits(exchange, *db); });
  Latencies latencies;
  std::vector<size_t> answered;
  const double began = now(), end = began + given.number("seconds", 5);
  while (now() < end) {
    {
      std::unique_lock lock(exchange.mutex);
      exchange.wake.wait(lock, [&] { return !exchange.done.empty(); });
      answered.swap(exchange.done);
    }
    const double at = now();
    for (const size_t client : answered) {
      latencies.add(at - sent[client]);
      sent[client] = at;
    }
    std::lock_guard lock(exchange.mutex);
    exchange.waiting.insert(exchange.waiting.end(), answered.begin(), answered.end());
    answered.clear();
    exchange.wake.notify_all();
  }
  const double took = now() - began;
  {
    std::lock_guard lock(exchange.mutex);
    exchange.stop = true;
  }
  exchange.wake.notify_all();
  writer.join();
  Figures figures;
  figures.add("rate", static_cast<double>(latencies.size()) / took);
  figures.add("p50_us", latencies.at(0.5)).add("p99_us", latencies.at(0.99)).print();
}

/// Reads every row of a column family, from a store that somebody else wrote. A row holds one line or
/// several.
void iterate(const Arguments& given) {
  std::vector<std::string> names;
  must(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), given.text("folder"), &names));
  std::vector<rocksdb::ColumnFamilyDescriptor> columns;
  for (const auto& name : names) columns.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  must(rocksdb::DB::OpenForReadOnly(rocksdb::DBOptions(), given.text("folder"), columns, &handles, &opened));
  const std::unique_ptr<rocksdb::DB> db(opened);
  double records = 0, bytes = 0;
  muster::log::RowReader rows;
  const double began = now();
  for (auto* handle : handles) {
    if (handle->GetName() != given.text("column", "events")) continue;
    const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(rocksdb::ReadOptions(), handle));
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      const auto text =
        rows.text({at->key().data(), at->key().size()}, {at->value().data(), at->value().size()});
      records += 1 + static_cast<double>(std::count(text.begin(), text.end(), '\n'));
      bytes += static_cast<double>(text.size());
    }
    must(at->status());
  }
  const double took = now() - began;
  for (auto* handle : handles) must(db->DestroyColumnFamilyHandle(handle));
  Figures figures;
  figures.add("rate", records / took)
    .add("records", records)
    .add("bytes", bytes)
    .add("seconds", took)
    .print();
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments given(argc, argv);
  const std::string mode = given.text("mode");
  if (mode == "batch")
    write_batches(given);
  else if (mode == "group")
    group_commit(given);
  else if (mode == "iterate")
    iterate(given);
  else
    give_up("--mode is batch, group or iterate");
}
