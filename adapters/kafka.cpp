// Checking where a cluster is, and making what uses it.
#include "adapters/kafka.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "domain/topic_rules.hpp"
#ifdef MUSTER_KAFKA
#include "adapters/kafka_bus.hpp"
#include "adapters/kafka_topics.hpp"
#endif

namespace muster {
namespace {

constexpr size_t kMaxBrokers = 32, kMaxHost = 253, kMaxText = 1024;

Error invalid(std::string detail) {
  return {"config.invalid", std::move(detail)};
}

bool is_lower(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

/// `host:port`, the host a name, an IPv4 address or an IPv6 one in brackets.
bool is_broker(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return false;
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  uint16_t number = 0;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  if (read.ec != std::errc{} || read.ptr != port.data() + port.size() || number == 0) return false;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  return !host.empty() && host.size() <= kMaxHost && std::all_of(host.begin(), host.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           (bracketed ? c == ':' : c == '-' || c == '_');
  });
}

bool is_plain(const std::string& text) {
  return text.size() <= kMaxText && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

Status check_brokers(std::string_view rest) {
  for (size_t count = 1;; count++) {
    const auto comma = rest.find(',');
    if (count > kMaxBrokers) return invalid("kafka-brokers: more than " + std::to_string(kMaxBrokers));
    if (!is_broker(rest.substr(0, comma)))  // Not quoted: somebody may have written a password there.
      return invalid("kafka-brokers: number " + std::to_string(count) + " is not host:port");
    if (comma == rest.npos) return Done{};
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace

Status check(const KafkaSettings& settings) {
  if (auto status = check_brokers(settings.brokers); !status) return status;
  constexpr std::array kProtocols{"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"};
  const auto& protocol = settings.security_protocol;
  const auto is = [&](std::string_view one) { return is_lower(protocol, one); };
  if (std::none_of(kProtocols.begin(), kProtocols.end(), is))
    return invalid("kafka-security-protocol: must be plaintext, ssl, sasl_plaintext or sasl_ssl");
  constexpr std::array kMechanisms{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  if (std::find(kMechanisms.begin(), kMechanisms.end(), settings.sasl_mechanism) == kMechanisms.end())
    return invalid("kafka-sasl-mechanism: must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
  for (const auto& [name, text] : {std::pair{"kafka-user", &settings.user},
                                   {"kafka-password", &settings.password},
                                   {"kafka-ca", &settings.ca_file}})
    if (!is_plain(*text)) return invalid(std::string(name) + ": is too long or has a control character");
  if ((is("sasl_plaintext") || is("sasl_ssl")) && (settings.user.empty() || settings.password.empty()))
    return invalid("kafka-security-protocol: " + protocol + " needs kafka-user and kafka-password");
  if (const auto fault = topics::name_fault(settings.exchange); !fault.empty())
    return invalid("amqp-exchange: as a topic of Kafka it " + fault);
  return Done{};
}

#ifdef MUSTER_KAFKA

Result<std::shared_ptr<EventBus>> make_kafka_bus(const KafkaSettings& settings) {
  if (auto status = check(settings); !status) return status.error();
  return std::shared_ptr<EventBus>{std::make_shared<KafkaBus>(settings)};
}

Result<std::shared_ptr<Topics>> make_kafka_topics(const KafkaSettings& settings) {
  if (auto status = check(settings); !status) return status.error();
  return std::shared_ptr<Topics>{std::make_shared<KafkaTopics>(settings)};
}

#else

namespace {

Error without() {
  return invalid(
    "kafka-brokers: this build is without Kafka; build it where librdkafka-dev is installed, with "
    "-DMUSTER_KAFKA=ON");
}

}  // namespace

Result<std::shared_ptr<EventBus>> make_kafka_bus(const KafkaSettings&) {
  return without();
}

Result<std::shared_ptr<Topics>> make_kafka_topics(const KafkaSettings&) {
  return without();
}

#endif

}  // namespace muster
