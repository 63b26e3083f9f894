// Asking each library for its version.
#include "app/cli/libraries.hpp"

#include <string>

#include <boost/version.hpp>
#include <caf/config.hpp>
#include <cjose/version.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <zlib.h>
#include <zstd.h>

#include "adapters/curl_library.hpp"
#include "events/log/rocks_disk.hpp"

namespace muster::cli {
namespace {

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch);
}

std::string curl_version() {
  const auto& curl = curl_library();
  return curl ? curl->version_info(CURLVERSION_NOW)->version : "not installed";
}

}  // namespace

Json linked_libraries() {
#ifdef MUSTER_WITH_RDKAFKA
  constexpr const char* kKafka = MUSTER_WITH_RDKAFKA;
#else
  constexpr const char* kKafka = "not built in";
#endif
  return {
    {"avahi", MUSTER_WITH_AVAHI_CORE},
    {"boost", dotted(BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1'000, BOOST_VERSION % 100)},
    {"caf", dotted(CAF_MAJOR_VERSION, CAF_MINOR_VERSION, CAF_PATCH_VERSION)},
    {"cjose", cjose_version()},
    {"fmt", MUSTER_WITH_FMT},
    {"jansson", jansson_version_str()},
    {"libcurl", curl_version()},
    {"librabbitmq", MUSTER_WITH_LIBRABBITMQ},
    {"librdkafka", kKafka},
    {"nlohmann-json",
     dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
    {"openssl", OpenSSL_version(OPENSSL_FULL_VERSION_STRING)},
    {"prometheus-cpp", MUSTER_WITH_PROMETHEUS_CPP_CORE},
    {"pugixml", MUSTER_WITH_PUGIXML},
    {"raft", MUSTER_WITH_RAFT},
    {"rocksdb", log::rocks_version()},
    {"simdjson", MUSTER_WITH_SIMDJSON},
    {"spdlog", MUSTER_WITH_SPDLOG},
    {"yaml-cpp", MUSTER_WITH_YAML_CPP},
    {"zlib", zlibVersion()},
    {"zstd", ZSTD_versionString()},
  };
}

}  // namespace muster::cli
