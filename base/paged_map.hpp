// A sorted map in pages that copies what it changes: a copy is one pointer, and costs its writer a page at a
// time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace muster {

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
    const auto& page = *(*pages_)[page_of(key)];
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
      // The last page is left nearly full, so that keys that only grow fill their pages.
      const auto keep = index + 1 == directory.size() && at == page->end() ? PageSize - 1 : PageSize / 2;
      auto upper = std::make_shared<Page>();
      upper->reserve(PageSize);
      upper->assign(std::make_move_iterator(page->begin() + static_cast<std::ptrdiff_t>(keep)),
                    std::make_move_iterator(page->end()));
      page->resize(keep);
      directory.insert(directory.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(upper));
      if (!(key < directory[index + 1]->front().first)) index++;
      page = directory[index].get();
      at = lower(*page, key);
    }
    return page->emplace(at, key, V{})->second;
  }

  /// The row's value to write to, or nullptr when it is missing.
  template <class Key>
  V* edit(const Key& key) {
    if (!pages_) return nullptr;
    const auto index = page_of(key);
    const auto& page = *(*pages_)[index];
    const auto at = lower(page, key);
    if (at == page.end() || !(at->first == key)) return nullptr;
    const auto offset = at - page.begin();
    return &(own_page(own_directory(), index).begin() + offset)->second;
  }

  /// The row with the lowest key, or nullptr.
  [[nodiscard]] const Row* first() const { return size_ == 0 ? nullptr : &pages_->front()->front(); }

  /// Erases the row with the lowest key. There must be one.
  void erase_first() {
    assert(size_ != 0);
    auto& directory = own_directory();
    auto& page = own_page(directory, 0);
    page.erase(page.begin());
    if (page.empty() && directory.size() > 1) directory.erase(directory.begin());
    size_--;
  }

  /// True when there was such a row.
  bool erase(const K& key) {
    if (!contains(key)) return false;
    auto& directory = own_directory();
    const auto index = page_of(key);
    auto& page = own_page(directory, index);
    page.erase(lower(page, key));
    if (page.empty() && directory.size() > 1)
      directory.erase(directory.begin() + static_cast<std::ptrdiff_t>(index));
    size_--;
    return true;
  }

  /// Calls visit(key, value) in order from the first key not below `from`, until it answers false.
  template <class Key, class Visit>
  void each_from(const Key& from, Visit&& visit) const {
    if (!pages_) return;
    for (auto index = page_of(from); index < pages_->size(); index++) {
      const auto& page = *(*pages_)[index];
      for (auto at = lower(page, from); at != page.end(); ++at)
        if (!visit(at->first, at->second)) return;
    }
  }

  template <class Visit>
  void each(Visit&& visit) const {
    if (!pages_) return;
    for (const auto& page : *pages_)
      for (const auto& [key, value] : *page) visit(key, value);
  }

private:
  using Page = std::vector<Row>;
  using Directory = std::vector<std::shared_ptr<Page>>;

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
    const auto after = std::upper_bound(
      pages_->begin(), pages_->end(), key,
      [](const Key& k, const auto& page) { return !page->empty() && k < page->front().first; });
    return after == pages_->begin() ? 0 : static_cast<size_t>(after - pages_->begin()) - 1;
  }

  /// True when nobody else holds `shared`, so that it may be changed in place: what its last other holder
  /// read happened before.
  template <class T>
  static bool alone(const std::shared_ptr<T>& shared) {
    if (shared.use_count() != 1) return false;
    std::atomic_thread_fence(std::memory_order_acquire);
    return true;
  }

  Directory& own_directory() {
    if (!pages_)
      pages_ = std::make_shared<Directory>(1, std::make_shared<Page>());
    else if (!alone(pages_))
      pages_ = std::make_shared<Directory>(*pages_);
    return *pages_;
  }

  static Page& own_page(Directory& directory, size_t index) {
    auto& page = directory[index];
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
