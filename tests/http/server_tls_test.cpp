// Shows the HTTP server over TLS.
#include <csignal>
#include <cstdio>
#include <filesystem>

#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/http/client.hpp"

using namespace muster;
using namespace muster::http;
using namespace muster::http::test;

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

/// A self-signed certificate for localhost in a folder of its own.
struct Pem {
  Pem() : folder(std::filesystem::temp_directory_path() / ("edge-tls-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder);
    const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const Certificate cert(X509_new(), X509_free);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
    X509_set_pubkey(cert.get(), key.get());
    auto* name = X509_get_subject_name(cert.get());
    const unsigned char host[] = "localhost";
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
    X509_set_issuer_name(cert.get(), name);
    X509_sign(cert.get(), key.get(), EVP_sha256());
    auto* out = std::fopen(cert_file().c_str(), "w");
    PEM_write_X509(out, cert.get());
    std::fclose(out);
    out = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }
  ~Pem() { std::filesystem::remove_all(folder); }
  Pem(const Pem&) = delete;
  Pem& operator=(const Pem&) = delete;

  std::string cert_file() const { return (folder / "cert.pem").string(); }
  std::string key_file() const { return (folder / "key.pem").string(); }
  Listen listen() const { return {"127.0.0.1", 0, cert_file(), key_file()}; }

  std::filesystem::path folder;
};

/// A TLS client on a blocking socket.
class TlsClient {
public:
  explicit TlsClient(uint16_t port, int max_version = TLS1_3_VERSION)
    : socket_(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    std::signal(SIGPIPE, SIG_IGN);  // The server may hang up first, and OpenSSL writes without MSG_NOSIGNAL.
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    ssl_.reset(SSL_new(context_.get()));
    const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_.get(), protocols, sizeof protocols - 1);
    SSL_set_fd(ssl_.get(), socket_.fd());
    connected_ = uninterrupted([&] { return SSL_connect(ssl_.get()); }) == 1;
  }
  bool connected() const { return connected_; }
  [[nodiscard]] std::string protocol() const {
    const unsigned char* text = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &text, &size);
    return {reinterpret_cast<const char*>(text), size};
  }
  bool send(std::string_view text) {
    const auto size = static_cast<int>(text.size());
    return uninterrupted([&] { return SSL_write(ssl_.get(), text.data(), size); }) == size;
  }
  std::string read(size_t size) {
    std::string got(size, '\0');
    size_t have = 0;
    while (have < size) {
      const int n =
        uninterrupted([&] { return SSL_read(ssl_.get(), got.data() + have, static_cast<int>(size - have)); });
      if (n <= 0) break;
      have += static_cast<size_t>(n);
    }
    got.resize(have);
    return got;
  }
  std::string head() {
    std::string got;
    while (!got.ends_with("\r\n\r\n")) {
      const auto next = read(1);
      if (next.empty()) break;
      got += next;
    }
    return got;
  }

private:
  Client socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, Free> ssl_;
  bool connected_ = false;
};

}  // namespace

TEST_CASE("the same requests are served through TLS 1.2 and 1.3, as http/1.1", "[S2-53]") {
  const Pem pem;
  Edge edge(Edge::patient(), pem.listen());
  REQUIRE(edge.server.start());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(edge.server.port(), version);
    REQUIRE(client.connected());
    CHECK(client.protocol() == "http/1.1");
    const std::string get = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send(get + get);
    for (int i = 0; i < 2; i++) {
      CHECK(client.head().starts_with("HTTP/1.1 200 OK"));
      CHECK(client.read(7) == "{\"a\":1}");
    }
    client.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    client.head();
    CHECK(client.read(edge.big->size()) == *edge.big);
    const std::string large(500'000, 'y');
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 500000\r\n\r\n" +
                large);
    client.head();
    CHECK(client.read(large.size()) == large);
    CHECK(client.read(1).empty());
  }
}

TEST_CASE("TLS older than 1.2 is refused") {
  const Pem pem;
  Edge edge(Edge::patient(), pem.listen());
  REQUIRE(edge.server.start());
  CHECK_FALSE(TlsClient(edge.server.port(), TLS1_1_VERSION).connected());
  CHECK(TlsClient(edge.server.port()).connected());
}

TEST_CASE("plain HTTP and silence on a TLS port are closed, and others are served") {
  const Pem pem;
  auto limits = Edge::patient();
  limits.header_timeout = 150ms;
  Edge edge(limits, pem.listen());
  REQUIRE(edge.server.start());
  auto plain = edge.client();
  plain.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  plain.rest();
  auto silent = edge.client();
  CHECK(silent.ended());
  // The limit holds for its handshake, too: a busy machine may need another try.
  CHECK(eventually([&] {
    TlsClient client(edge.server.port());
    return client.connected() && client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n") &&
           client.head().starts_with("HTTP/1.1 200 OK");
  }));
}
