// Object storage on an S3 server: MinIO, Ceph, AWS. Paths name buckets, and Signature Version 4 signs.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "adapters/aws_signature.hpp"
#include "adapters/http_client.hpp"
#include "adapters/ports/object_storage.hpp"
#include "adapters/s3_documents.hpp"
#include "base/time.hpp"

namespace muster {

struct S3Settings {
  std::string endpoint;  ///< http or https, a host, a port or none; no path.
  aws::Credentials credentials;
  std::string region = "us-east-1";
  std::string ca_file{};  ///< PEM; empty: the system's.
  Millis connect_timeout{3'000};
  Millis total_timeout{10'000};  ///< Of a call of the port, with all its requests.
  SteadyNow clock = steady_now;  ///< That it is measured by.
};

/// Error: `field.invalid`, which quotes nothing of what was given: each call of a storage with such settings
/// is refused so.
Status check(const S3Settings& settings);

/// Reading and writing rules or tags is not one step on a server: two writers at once can undo each other. So
/// what was written is read back, and written once more, on top of what is there then, when some of it is
/// gone.
class S3Storage : public ObjectStorage {
public:
  explicit S3Storage(S3Settings settings, Now now = system_now);

  Result<environment::Ensured> ensure_bucket(const std::string& bucket, const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_versioning(const std::string& bucket, bool versioned,
                                                 const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_lifecycle(const std::string& bucket,
                                                const std::vector<profile::LifecycleRule>& rules,
                                                const environment::Ask& ask) override;
  Result<environment::Ensured> ensure_tags(const std::string& bucket,
                                           const std::map<std::string, std::string>& tags,
                                           const environment::Ask& ask) override;
  Result<environment::Ensured> remove_rule(const std::string& bucket, const profile::LifecycleRule& as_added,
                                           const environment::Ask& ask) override;
  Result<environment::Ensured> remove_tag(const std::string& bucket, const std::string& key,
                                          const std::string& as_added, const environment::Ask& ask) override;
  Result<std::vector<std::string>> buckets() override;
  [[nodiscard]] Millis retry_after() const override { return retry_after_; }
  void cancel() override { client_.cancel(); }

  /// One of a bucket's configurations.
  struct Kind;

private:
  struct Configuration {
    s3::Document document;
    HttpHeaders kept{};  ///< Of the reply, which go back with the document.
  };

  /// A call of the port begins.
  void begin();
  /// Any reply to one signed request; `part` is "" or a flag of the query.
  Result<HttpReply> call(const std::string& method, const std::string& bucket, const std::string& part,
                         const std::string& body = {}, const HttpHeaders& headers = {});
  /// The reply to a PUT when it is a success.
  Result<HttpReply> put(const std::string& bucket, const std::string& part, const std::string& body,
                        const environment::Ask& ask, HttpHeaders headers = {});
  Result<bool> exists(const std::string& bucket);
  Result<Configuration> read(const std::string& bucket, const Kind& kind, bool absent_is_empty);
  /// Whether what was wanted is there afterwards; puts what is not into it.
  using Mend = std::function<Result<bool>(const s3::Document& wanted, s3::Document& after)>;
  /// Writes it and reads it back; a second time, mended, when it is not whole.
  Status write(const std::string& bucket, const Kind& kind, Configuration wanted, const environment::Ask& ask,
               const Mend& mend);
  /// Takes something out of a configuration, when the comparison says `changed`.
  Result<environment::Ensured> remove(
    const std::string& bucket, const Kind& kind, const environment::Ask& ask,
    const std::function<Result<environment::Ensured>(const s3::Document&)>& compare,
    const std::function<void(s3::Document&)>& take_out, const Mend& mend);
  /// What is told of what is there, without the secret key.
  [[nodiscard]] environment::Ensured hidden(environment::Ensured told) const;
  /// Why a reply that is no success is none.
  Error failure(const HttpReply& reply, const std::string& what);

  const S3Settings settings_;
  const Now now_;
  std::string host_;   ///< As the Host header has it.
  std::string fault_;  ///< Of the endpoint.
  HttpClient client_;
  SteadyTime deadline_{};
  std::chrono::seconds retry_after_{0};
};

}  // namespace muster
