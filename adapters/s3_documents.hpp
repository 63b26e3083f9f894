// The XML that S3 servers send and take: read with bounds, and changed in place so that what is not known of
// it goes back as it came (backends contract, section 2).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/bucket_rules.hpp"

namespace muster::s3 {

constexpr size_t kMaxDocument = 4 * 1024 * 1024;  ///< Bytes.
constexpr int kMaxDepth = 32;                     ///< Elements inside each other.

/// A document of one root element. Entities are never expanded but for the five of XML itself: one with a
/// document type is refused.
class Document {
public:
  /// `root` is its name without a prefix. Error: `backend.reply`.
  static Result<Document> parse(std::string_view text, std::string_view root);
  /// An empty one in the namespace of S3.
  static Document empty(const char* root);

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  [[nodiscard]] std::string text() const;

  // A VersioningConfiguration.
  [[nodiscard]] Result<buckets::Versioning> versioning() const;

  // A LifecycleConfiguration.
  [[nodiscard]] Result<std::vector<buckets::SeenRule>> rules() const;
  void add_rule(const profile::LifecycleRule& rule);
  /// Adds the rule that is at `index` of `from`, whatever is in it.
  void add_rule_of(const Document& from, size_t index);

  /// Whether one of that id was there.
  bool remove_rule(const std::string& id);

  // A Tagging.
  [[nodiscard]] Result<buckets::Tags> tags() const;
  void set_tag(const std::string& key, const std::string& value);
  /// Whether it was there.
  bool remove_tag(const std::string& key);

  /// No rule and no tag is in it, nor anything else.
  [[nodiscard]] bool holds_nothing() const;

  /// Of a ListAllMyBucketsResult.
  [[nodiscard]] std::vector<std::string> bucket_names() const;
  /// The text of the root's child of that name, or "": of an Error its Code.
  [[nodiscard]] std::string child(const char* name) const;

private:
  struct Tree;
  explicit Document(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

/// The body that enables versions.
[[nodiscard]] std::string enable_versioning();
/// The body that makes a bucket in `region`; empty in us-east-1, where S3 wants none.
[[nodiscard]] std::string create_bucket(const std::string& region);

}  // namespace muster::s3
