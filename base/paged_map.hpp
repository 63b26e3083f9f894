// A sorted map in pages that copies what it changes: a copy is one pointer, and costs its writer a page at a
// time.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/alone.hpp"

namespace muster {
namespace detail {

/// The first 16 bytes of a text as two numbers that compare as it does.
struct TextStart {
  uint64_t high = 0, low = 0;
  auto operator<=>(const TextStart&) const = default;
};

inline uint64_t big_endian(const char* text, size_t size) {
  uint64_t number = 0;
  if (size >= 8) {
    std::memcpy(&number, text, 8);
    return __builtin_bswap64(number);
  }
  for (size_t i = 0; i < size; i++) number |= uint64_t{static_cast<uint8_t>(text[i])} << (56 - 8 * i);
  return number;
}

/// What a directory of pages keeps of a page's first key, so that a search hardly looks into the pages. Of
/// two keys, the one with the lower start is the lower one.
template <class Key>
auto start_of(const Key& key) {
  if constexpr (std::is_convertible_v<const Key&, std::string_view>) {
    const std::string_view text{key};
    TextStart start{big_endian(text.data(), text.size())};
    if (text.size() > 8) start.low = big_endian(text.data() + 8, text.size() - 8);
    return start;
  } else {
    return key;
  }
}

}  // namespace detail

/// Copies share their pages. Writing to a copy clones the directory (one pointer a page) and the touched
/// page, once, however many rows of it change afterwards. One writer at a time for each copy; a copy may be
/// read by any thread. Lookups are two binary searches.
template <class K, class V, size_t PageSize = 64>
class PagedMap {
public:
  using Row = std::pair<K, V>;

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  template <class Key>
  [[nodiscard]] const V* find(const Key& key) const {
    if (!pages_) return nullptr;
    const auto& page = *pages_->pages[page_of(key)];
    const auto at = lower(page, key);
    return at != page.end() && at->first == key ? &at->second : nullptr;
  }

  template <class Key>
  [[nodiscard]] bool contains(const Key& key) const {
    return find(key) != nullptr;
  }

  /// The row's value to write to, made when it is missing.
  V& operator[](const K& key) {
    auto& directory = own_directory();
    auto index = page_of(key);
    auto* page = &own_page(directory, index);
    auto at = lower(*page, key);
    if (at != page->end() && at->first == key) return at->second;
    size_++;
    if (page->size() >= PageSize) {
      const auto split = index;
      // The last page is left nearly full, so that keys that only grow fill their pages.
      const auto keep =
        index + 1 == directory.pages.size() && at == page->end() ? PageSize - 1 : PageSize / 2;
      auto upper = std::make_shared<Page>();
      upper->reserve(PageSize);
      upper->assign(std::make_move_iterator(page->begin() + static_cast<std::ptrdiff_t>(keep)),
                    std::make_move_iterator(page->end()));
      page->resize(keep);
      const auto& first = upper->front().first;
      if (!(key < first)) index++;
      const auto place = static_cast<std::ptrdiff_t>(split) + 1;
      directory.starts.insert(directory.starts.begin() + place, detail::start_of(first));
      directory.pages.insert(directory.pages.begin() + place, std::move(upper));
      page = directory.pages[index].get();
      at = lower(*page, key);
    }
    return page->emplace(at, key, V{})->second;
  }

  /// The row's value to write to, or nullptr when it is missing.
  template <class Key>
  V* edit(const Key& key) {
    if (!pages_) return nullptr;
    const auto index = page_of(key);
    const auto& page = *pages_->pages[index];
    const auto at = lower(page, key);
    if (at == page.end() || !(at->first == key)) return nullptr;
    const auto offset = at - page.begin();
    return &(own_page(own_directory(), index).begin() + offset)->second;
  }

  /// The row with the lowest key, or nullptr.
  [[nodiscard]] const Row* first() const { return size_ == 0 ? nullptr : &pages_->pages.front()->front(); }

  /// Erases the row with the lowest key. There must be one.
  void erase_first() {
    assert(size_ != 0);
    auto& directory = own_directory();
    auto& page = own_page(directory, 0);
    page.erase(page.begin());
    settle(directory, 0);
    size_--;
  }

  /// True when there was such a row.
  bool erase(const K& key) {
    if (!contains(key)) return false;
    auto& directory = own_directory();
    const auto index = page_of(key);
    auto& page = own_page(directory, index);
    page.erase(lower(page, key));
    settle(directory, index);
    size_--;
    return true;
  }

  /// Calls visit(key, value) in order from the first key not below `from`, until it answers false.
  template <class Key, class Visit>
  void each_from(const Key& from, Visit&& visit) const {
    if (!pages_) return;
    for (auto index = page_of(from); index < pages_->pages.size(); index++) {
      const auto& page = *pages_->pages[index];
      for (auto at = lower(page, from); at != page.end(); ++at)
        if (!visit(at->first, at->second)) return;
    }
  }

  template <class Visit>
  void each(Visit&& visit) const {
    if (!pages_) return;
    for (const auto& page : pages_->pages)
      for (const auto& [key, value] : *page) visit(key, value);
  }

private:
  using Page = std::vector<Row>;
  using Start = decltype(detail::start_of(std::declval<const K&>()));
  struct Directory {
    std::vector<std::shared_ptr<Page>> pages{std::make_shared<Page>()};
    std::vector<Start> starts{Start{}};  ///< Of each page's first key; the first one is never asked for.
  };

  template <class Key>
  static auto lower(const Page& page, const Key& key) {
    return std::lower_bound(page.begin(), page.end(), key,
                            [](const Row& row, const Key& k) { return row.first < k; });
  }
  template <class Key>
  static auto lower(Page& page, const Key& key) {
    return std::lower_bound(page.begin(), page.end(), key,
                            [](const Row& row, const Key& k) { return row.first < k; });
  }

  /// The last page whose first key is not above `key`; the first page when there is none.
  template <class Key>
  [[nodiscard]] size_t page_of(const Key& key) const {
    const auto start = detail::start_of(key);
    const auto& starts = pages_->starts;
    size_t low = 1, high = starts.size();  // The page behind the one we look for is in [low, high].
    while (low < high) {
      const auto middle = low + (high - low) / 2;
      const bool below =
        start < starts[middle] || (start == starts[middle] && key < pages_->pages[middle]->front().first);
      if (below)
        high = middle;
      else
        low = middle + 1;
    }
    return low - 1;
  }

  /// After rows of a page were erased: no page is empty but the only one, and its start is its first key's.
  static void settle(Directory& directory, size_t index) {
    const auto& page = *directory.pages[index];
    const auto place = static_cast<std::ptrdiff_t>(index);
    if (!page.empty()) {
      directory.starts[index] = detail::start_of(page.front().first);
    } else if (directory.pages.size() > 1) {
      directory.pages.erase(directory.pages.begin() + place);
      directory.starts.erase(directory.starts.begin() + place);
    }
  }

  Directory& own_directory() {
    if (!pages_)
      pages_ = std::make_shared<Directory>();
    else if (!alone(pages_))
      pages_ = std::make_shared<Directory>(*pages_);
    return *pages_;
  }

  static Page& own_page(Directory& directory, size_t index) {
    auto& page = directory.pages[index];
    if (!alone(page)) {
      auto copy = std::make_shared<Page>();
      copy->reserve(PageSize);
      copy->assign(page->begin(), page->end());
      page = std::move(copy);
    }
    return *page;
  }

  std::shared_ptr<Directory> pages_;
  size_t size_ = 0;
};

}  // namespace muster
