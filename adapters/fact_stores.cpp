// Numbering facts and keeping them; the two stores differ in where the bytes are.
#include "adapters/fact_stores.hpp"

#include <charconv>
#include <filesystem>
#include <map>
#include <mutex>

#include <spdlog/spdlog.h>

#include "adapters/keys.hpp"
#include "base/hash.hpp"
#include "domain/service_facts.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

using log::Column;

constexpr size_t kMaxFact = 64 * 1024;  // Bytes of one.
constexpr std::string_view kSource = "facts-source", kFacts = "facts/", kBehind = "facts0";

/// Where the bytes are.
class Shelf {
public:
  virtual ~Shelf() = default;
  virtual Status put(uint64_t number, const std::string& text) = 0;
  virtual Status erase_to(uint64_t number) = 0;
  virtual Status put_source(const std::string& source) = 0;
  [[nodiscard]] virtual std::string source() const = 0;
  [[nodiscard]] virtual std::map<uint64_t, std::string> all() const = 0;
};

class DiskShelf : public Shelf {
public:
  explicit DiskShelf(log::Disk& disk) : disk_(disk) {}

  Status put(uint64_t number, const std::string& text) override {
    log::Batch batch;
    batch.put(Column::local, key(number), text);
    return disk_.write(batch, true);
  }
  Status erase_to(uint64_t number) override {
    log::Batch batch;
    batch.erase_range(Column::local, key(0), key(number + 1));
    return disk_.write(batch, true);
  }
  Status put_source(const std::string& source) override {
    log::Batch batch;
    batch.put(Column::local, kSource, source);
    return disk_.write(batch, true);
  }
  [[nodiscard]] std::string source() const override { return disk_.get(Column::local, kSource).value_or(""); }
  [[nodiscard]] std::map<uint64_t, std::string> all() const override {
    std::map<uint64_t, std::string> found;
    disk_.scan(Column::local, kFacts, kBehind, [&](std::string_view at, std::string_view text) {
      found[log::number_of(at.substr(kFacts.size()))] = text;
      return true;
    });
    return found;
  }

private:
  static std::string key(uint64_t number) { return std::string(kFacts) + log::number_key(number); }
  log::Disk& disk_;
};

class FolderShelf : public Shelf {
public:
  explicit FolderShelf(std::string folder) : folder_(std::move(folder)) {}

  Status put(uint64_t number, const std::string& text) override {
    return write_file_atomically(path(number), text, 0600);
  }
  Status erase_to(uint64_t number) override {
    for (const auto& [at, text] : all()) {
      std::error_code error;
      if (at <= number) fs::remove(path(at), error);
    }
    return Done{};
  }
  Status put_source(const std::string& source) override {
    return write_file_atomically(folder_ + "/source", source, 0600);
  }
  [[nodiscard]] std::string source() const override {
    const auto read = read_file(folder_ + "/source", 256);
    return read ? *read : "";
  }
  [[nodiscard]] std::map<uint64_t, std::string> all() const override {
    std::map<uint64_t, std::string> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
      const auto name = entry.path().filename().string();
      uint64_t number = 0;
      const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), number);
      if (ec != std::errc{} || end != name.data() + name.size()) continue;
      if (auto text = read_file(entry.path(), kMaxFact)) found[number] = std::move(*text);
    }
    return found;
  }

private:
  [[nodiscard]] std::string path(uint64_t number) const { return folder_ + "/" + std::to_string(number); }
  std::string folder_;
};

class Facts : public FactStore {
public:
  explicit Facts(std::unique_ptr<Shelf> shelf) : shelf_(std::move(shelf)) {
    for (const auto& [number, text] : shelf_->all()) {
      next_ = number + 1;
      const auto body = from_json_text<services::FactBody>(text);
      auto event = body ? services::event_of(*body) : Result<services::Event>{body.error()};
      if (event)
        waiting_[number] = std::move(*event);
      else
        spdlog::warn("facts local_seq={} error={}", number, event.error().detail);
    }
    source_ = shelf_->source();
  }

  /// Numbers begin anew when nothing waits: then so does the source.
  Status begin() {
    if (!source_.empty() && !waiting_.empty()) return Done{};
    source_ = random_hex(16);
    next_ = 1;
    if (auto status = shelf_->erase_to(UINT64_MAX - 1); !status) return status;
    return shelf_->put_source(source_);
  }

  [[nodiscard]] std::string source() const override { return source_; }

  Status put(services::Event fact) override {
    const std::lock_guard lock{mutex_};
    match(fact)([&](services::Fact& header) { header.local_seq = next_; });
    if (auto status = shelf_->put(next_, to_json_text(services::body_of(fact))); !status) return status;
    waiting_[next_++] = std::move(fact);
    if (waiting_.size() <= kMaxWaitingFacts) return Done{};
    const auto oldest = waiting_.begin()->first;
    waiting_.erase(waiting_.begin());
    given_up_++;
    return shelf_->erase_to(oldest);
  }

  [[nodiscard]] std::vector<services::Event> waiting(size_t limit) const override {
    const std::lock_guard lock{mutex_};
    std::vector<services::Event> first;
    for (auto at = waiting_.begin(); at != waiting_.end() && first.size() < limit; ++at)
      first.push_back(at->second);
    return first;
  }

  Status drop_to(uint64_t local_seq) override {
    const std::lock_guard lock{mutex_};
    waiting_.erase(waiting_.begin(), waiting_.upper_bound(local_seq));
    return shelf_->erase_to(local_seq);
  }

  [[nodiscard]] uint64_t given_up() const override {
    const std::lock_guard lock{mutex_};
    return given_up_;
  }

private:
  std::unique_ptr<Shelf> shelf_;
  mutable std::mutex mutex_;
  std::string source_;
  std::map<uint64_t, services::Event> waiting_;
  uint64_t next_ = 1, given_up_ = 0;
};

}  // namespace

std::unique_ptr<FactStore> make_disk_facts(log::Disk& disk) {
  auto facts = std::make_unique<Facts>(std::make_unique<DiskShelf>(disk));
  if (const auto status = facts->begin(); !status) spdlog::warn("facts error={}", status.error().detail);
  return facts;
}

Result<std::unique_ptr<FactStore>> make_folder_facts(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{"internal", "cannot make " + folder + ": " + error.message(), {}};
  fs::permissions(folder, fs::perms::owner_all, error);
  auto facts = std::make_unique<Facts>(std::make_unique<FolderShelf>(folder));
  if (auto status = facts->begin(); !status) return status.error();
  return std::unique_ptr<FactStore>{std::move(facts)};
}

}  // namespace muster
