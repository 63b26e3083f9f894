// Shows which sources may be added.
#include "domain/jobs/source.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::jobs;

namespace {

Source source(const std::string& body) {
  const auto read = read_source(*parse_json(body));
  if (!read) FAIL(read.error().detail);
  return *read;
}

Error refused_body(const Json& body, const std::string& code = "field.invalid") {
  const auto read = read_source(body);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == code);
  return read.error();
}

Error refused(const std::string& body, const std::string& code = "field.invalid") {
  return refused_body(*parse_json(body), code);
}

bool says(const Error& error, const std::string& pointer, const std::string& message) {
  return std::any_of(error.fields.begin(), error.fields.end(), [&](const FieldError& field) {
    return field.pointer == pointer && field.message.find(message) != std::string::npos;
  });
}

Json git(const std::string& url, const std::string& ref = "main") {
  return {{"type", "git"}, {"name", "tools"}, {"url", url}, {"ref", ref}};
}

}  // namespace

TEST_CASE("a local source is a folder, and named after it", "[S3-77]") {
  const auto named = source(R"({"type":"local","name":"extra","ref":"../extra-scripts"})");
  CHECK(named.type == SourceType::local);
  CHECK(named.name == "extra");
  CHECK(named.ref == "../extra-scripts");
  CHECK(named_folder(named) == "../extra-scripts");
  CHECK(source(R"({"type":"local","ref":"/srv/my team scripts/"})").name == "my-team-scripts");
  CHECK(says(refused(R"({"type":"local"})"), "/ref", "is required"));
  CHECK(says(refused(R"({"type":"local","ref":".."})"), "/name", "must be given"));
  CHECK(says(refused(R"({"type":"local","ref":"/"})"), "/name", "is required"));
}

TEST_CASE("a git source needs its url and its ref", "[S3-80]") {
  const auto read =
    source(R"({"type":"git","name":"tools","url":"https://git.example/team/tools.git","ref":"v1"})");
  CHECK(read.type == SourceType::git);
  CHECK(read.name == "tools");
  CHECK(read.url == "https://git.example/team/tools.git");
  CHECK(read.ref == "v1");
  CHECK(says(refused(R"({"type":"git","name":"a","ref":"v1"})"), "/url", "is required"));
  CHECK(says(refused(R"({"type":"git","name":"a","url":"https://git.example/a"})"), "/ref", "is required"));
  CHECK(source(R"({"type":"git","url":"https://git.example/team/tools.git","ref":"v1"})").name == "tools");
  CHECK(source(R"({"type":"git","url":"git@git.example:tools.git","ref":"v1"})").name == "tools");
}

TEST_CASE("an add-on is an image, named after its last part", "[S3-87]") {
  const auto read = source(R"({"type":"oci","ref":"ghcr.io/x/addon:1.0","trusted":true,"expose":"none"})");
  CHECK(read.name == "addon");
  CHECK(read.trusted);
  CHECK(read.expose == Expose::none);
  CHECK_FALSE(named_folder(read));
  CHECK(source(R"({"type":"oci","url":"localhost:5000/a","trusted":true})").ref == "localhost:5000/a");
  CHECK(says(refused(R"({"type":"oci","trusted":true})"), "/ref", "is required"));
  for (const auto* ref : {"docker://ghcr.io/x/addon", "https://ghcr.io/x"})
    CHECK(
      says(refused_body(Json{{"type", "oci"}, {"ref", ref}, {"trusted", true}}), "/ref", "without a scheme"));
  CHECK(says(refused(R"({"type":"oci","ref":"--privileged","trusted":true})"), "/ref", "the image"));
}

TEST_CASE("a source is shown as it was asked for", "[S3-87]") {
  const auto shown = [](const std::string& body) { return to_json(source(body)).dump(); };
  CHECK(shown(R"({"type":"local","ref":"extra"})") ==
        R"({"name":"extra","type":"local","ref":"extra","expose":"read"})");
  CHECK(
    shown(
      R"({"type":"oci","ref":"r.io/a:1","trusted":true,"trust":{"by":"ana"},"verify_signatures":true})") ==
    R"({"name":"a","type":"oci","ref":"r.io/a:1","trust":{"by":"ana"},"pull_policy":"on-add","verify_signatures":true,"expose":"read"})");
}

TEST_CASE("an image that nobody trusts is refused", "[S3-97]") {
  for (const auto* body : {R"({"type":"oci","ref":"ghcr.io/x/addon:1"})",
                           R"({"type":"oci","ref":"ghcr.io/x/addon:1","trusted":false})"})
    CHECK(refused(body, "source.trust.required").detail.find("ghcr.io/x/addon:1") != std::string::npos);
  CHECK(says(refused(R"({"type":"oci","ref":"ghcr.io/x/addon:1","trusted":"true"})"), "/trusted",
             "true or false"));
}

TEST_CASE("pull policies have synonyms, and are shown by one name", "[S3-87][S3-91][S3-92]") {
  const auto pull = [](const std::string& text) {
    return std::string(
      to_text(source(R"({"type":"oci","ref":"r.io/a","trusted":true,"pull_policy":")" + text + "\"}").pull));
  };
  CHECK(source(R"({"type":"oci","ref":"r.io/a","trusted":true})").pull == Pull::on_add);
  CHECK(pull("on-add") == "on-add");
  CHECK(pull("always") == "on-add");
  for (const auto* text : {"on-run", "ifNotPresent", "if-not-present", "if_not_present"})
    CHECK(pull(text) == "on-run");
  CHECK(pull("never") == "never");
  CHECK(says(refused(R"({"type":"oci","ref":"r.io/a","trusted":true,"pull_policy":"onadd"})"), "/pull_policy",
             "must be on-add, on-run or never; did you mean 'on-add'?"));
}

TEST_CASE("all wrong members of a source are told at once") {
  const auto error = refused(
    R"({"type":"gti","name":7,"ref":"a","expose":"all","trust":[],"verify_signatures":"no","pull":"always"})");
  CHECK(says(error, "/type", "must be one of local, git, oci; did you mean 'git'?"));
  CHECK(says(error, "/name", "must be a string"));
  CHECK(says(error, "/expose", "must be one of none, read, readwrite"));
  CHECK(says(error, "/trust", "must be an object"));
  CHECK(says(error, "/verify_signatures", "must be true or false"));
  CHECK(says(error, "/pull", "did you mean"));
  CHECK(error.fields.size() == 6);
  CHECK(says(refused("{}"), "/type", "is required"));
  refused("[]");
  refused("null");
  refused("7");
}

TEST_CASE("a source's name is one folder's, whatever it is made of") {
  for (const auto& name :
       {std::string("a/b"), std::string("a\\b"), std::string(".."), std::string("."), std::string(".git"),
        std::string("-x"), std::string("a\nb"), std::string("a\0b", 3), std::string("a:b"), std::string(" a"),
        std::string("\x1b[31m"), std::string(65, 'a'),
        std::string("\xe2\x80\xae"
                    "a")}) {
    CAPTURE(name);
    CHECK_FALSE(refused_body(Json{{"type", "local"}, {"ref", "x"}, {"name", name}}).fields.empty());
  }
  CHECK(says(refused(R"({"type":"local","ref":"/srv/.hidden"})"), "/name", "must be given"));
  CHECK(source(R"({"type":"local","ref":"x","name":"Käse 7"})").name == "Käse 7");
}

TEST_CASE("a git URL that is more than a place to fetch from is refused") {
  for (const auto& url : {std::string("--upload-pack=touch /tmp/x"),
                          std::string("-oProxyCommand=x"),
                          std::string("ext::sh -c id"),
                          std::string("ext::sh"),
                          std::string("fd::7"),
                          std::string("EXT::sh"),
                          std::string("a::b"),
                          std::string("https::https://x/y"),
                          std::string("ftp://h/x"),
                          std::string("rsync://h/x"),
                          std::string("git+ssh://h/x"),
                          std::string("ssh://-oProxyCommand=x/y"),
                          std::string("ssh://u@-x/y"),
                          std::string("ssh://-u@h/y"),
                          std::string("-u@h:y"),
                          std::string("u@-h:y"),
                          std::string("h:-y"),
                          std::string("h:"),
                          std::string("https://h"),
                          std::string("https://h/"),
                          std::string("https:///x"),
                          std::string("https://h:0/x"),
                          std::string("https://h:x/x"),
                          std::string("https://a@b@h/x"),
                          std::string("https://h\\@evil/x"),
                          std::string("https://h/a b"),
                          std::string("https://h/a\nb"),
                          std::string("https://h/a\0b", 13),
                          std::string("https://user:pw@h/x"),
                          std::string("https://h%2f/x"),
                          std::string("ssh://h/-x"),
                          std::string("repo"),
                          std::string("./repo"),
                          std::string("../repo"),
                          std::string("/a/../b"),
                          std::string("file:///a/../b"),
                          std::string("file://host/a"),
                          std::string("file:a"),
                          std::string("file:////a"),
                          std::string("file:///a/%2e%2e/b"),
                          std::string("file:--upload-pack=x"),
                          std::string("//h/x"),
                          std::string("https://h./x")}) {
    CAPTURE(url);
    const auto read = parse_git_url(url);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == "source.not.allowed");
    CHECK(read.error().detail.find('\n') == std::string::npos);
    CHECK(read.error().detail.find("pw") == std::string::npos);
  }
  CHECK_FALSE(parse_git_url(std::string(10'000, 'a')));
  CHECK_FALSE(parse_git_url(""));
  refused_body(git("ext::sh -c id"), "source.not.allowed");
  refused_body(git("--upload-pack=id"), "source.not.allowed");
}

TEST_CASE("a git URL is taken apart") {
  const auto is = [](const std::string& url, const std::string& scheme, const std::string& host,
                     const std::string& path) {
    const auto read = parse_git_url(url);
    REQUIRE(read);
    CHECK(read->scheme == scheme);
    CHECK(read->host == host);
    CHECK(read->path == path);
  };
  is("https://Git.Example/team/tools.git", "https", "git.example", "/team/tools.git");
  is("HTTP://h:8080/x", "http", "h:8080", "/x");
  is("git://127.0.0.1:9418/x", "git", "127.0.0.1:9418", "/x");
  is("ssh://git@h:22/x", "ssh", "h:22", "/x");
  is("https://[::1]:8443/x", "https", "[::1]:8443", "/x");
  is("git@git.example:team/tools.git", "ssh", "git.example", "team/tools.git");
  is("file:///srv/repo", "file", "", "/srv/repo");
  is("file://localhost/srv/repo", "file", "", "/srv/repo");
  is("/srv/repo", "file", "", "/srv/repo");
}

TEST_CASE("a git host must be allowed, and no list allows none", "[S3-99]") {
  const auto allowed = [](const std::string& url, const std::vector<std::string>& hosts) {
    const auto status = allow_git_host(*parse_git_url(url), hosts);
    if (!status) CHECK(status.error().code == "source.not.allowed");
    return static_cast<bool>(status);
  };
  CHECK_FALSE(allowed("https://git.example/x", {}));
  CHECK(allowed("https://git.example/x", {"other", "GIT.example"}));
  CHECK(allowed("https://git.example:8443/x", {"git.example"}));
  CHECK(allowed("https://git.example:8443/x", {"git.example:8443"}));
  CHECK_FALSE(allowed("https://git.example/x", {"git.example:8443"}));
  CHECK_FALSE(allowed("https://git.example.evil.io/x", {"git.example"}));
  CHECK_FALSE(allowed("https://evil.io/git.example", {"git.example"}));
  CHECK_FALSE(allowed("https://git.example@evil.io/x", {"git.example"}));
  CHECK_FALSE(allowed("git@evil.io:git.example", {"git.example"}));
  CHECK_FALSE(allowed("https://xgit.example/x", {"git.example"}));
  CHECK(allowed("https://[::1]/x", {"[::1]"}));
  CHECK(allowed("https://[::1]:81/x", {"[::1]"}));
  CHECK(allowed("/srv/repo", {}));  // By its folder instead.
}

TEST_CASE("a folder must be inside of an allowed root, and no list allows none", "[S3-78][S3-99]") {
  const auto allowed = [](const std::string& folder, const std::vector<std::string>& roots) {
    const auto status = allow_folder(folder, roots);
    if (!status) CHECK(status.error().code == "source.not.allowed");
    return static_cast<bool>(status);
  };
  CHECK(allowed("/srv/scripts", {"/srv/scripts"}));
  CHECK(allowed("/srv/scripts/team", {"/opt", "/srv/scripts/"}));
  CHECK(allowed("/anything", {"/"}));
  CHECK_FALSE(allowed("/srv/scripts-evil", {"/srv/scripts"}));
  CHECK_FALSE(allowed("/srv", {"/srv/scripts"}));
  CHECK_FALSE(allowed("/srv/scripts/../x", {"/srv/scripts"}));
  CHECK_FALSE(allowed("/srv/scripts/..", {"/srv/scripts"}));
  CHECK_FALSE(allowed("scripts", {"/srv", ""}));
  CHECK_FALSE(allowed("/srv/scripts", {}));
  CHECK_FALSE(allowed("/srv/scripts", {"", "srv"}));
}

TEST_CASE("git hosts and folders that nothing allows are refused by one code", "[S3-99]") {
  const auto host = allow_git_host(*parse_git_url("https://h/x"), {});
  REQUIRE_FALSE(host);
  CHECK(host.error().code == "source.not.allowed");
  CHECK(host.error().detail.find("FLWD_ALLOW_GIT_HOSTS") != std::string::npos);
  const auto folder = allow_folder("/etc", {"/srv/scripts"});
  REQUIRE_FALSE(folder);
  CHECK(folder.error().code == "source.not.allowed");
  CHECK(folder.error().detail.find("/etc") != std::string::npos);
}

TEST_CASE("a relative folder is looked for below each root") {
  CHECK(candidates("team", {"/a", "/b/"}) == std::vector<std::string>{"/a/team", "/b/team"});
  CHECK(candidates("/team", {"/a"}) == std::vector<std::string>{"/team"});
  CHECK(candidates("team", {}).empty());
}

TEST_CASE("the folder of a git repository on this host is judged as a folder") {
  CHECK(named_folder(source(git("file:///srv/repo").dump())) == "/srv/repo");
  CHECK(named_folder(source(git("/srv/repo").dump())) == "/srv/repo");
  CHECK_FALSE(named_folder(source(git("https://h/x").dump())));
}

TEST_CASE("a ref is a branch, a tag or a commit", "[S3-81]") {
  for (const auto* ref :
       {"main", "v1.2.3", "feature/x", "0123456789abcdef0123456789abcdef01234567", "HEAD", "käse"}) {
    CAPTURE(ref);
    CHECK(ref_fault(ref).empty());
  }
  for (const auto& ref : {std::string(),          std::string("--upload-pack=x"),
                          std::string("-b"),      std::string("a..b"),
                          std::string("a b"),     std::string("a\nb"),
                          std::string("a\0b", 3), std::string("a~1"),
                          std::string("a^"),      std::string("a:b"),
                          std::string("a?"),      std::string("a*"),
                          std::string("a["),      std::string("a\\b"),
                          std::string("a@{1}"),   std::string("@"),
                          std::string("/a"),      std::string("a/"),
                          std::string("a//b"),    std::string("a.lock"),
                          std::string(".a"),      std::string("a/.b"),
                          std::string("a."),      std::string("\xff"),
                          std::string(256, 'a')}) {
    CAPTURE(ref);
    CHECK_FALSE(ref_fault(ref).empty());
  }
  CHECK(says(refused_body(git("https://h/x", "--upload-pack=id")), "/ref", "begins with a dash"));
}

TEST_CASE("no body makes reading a source fail in another way than by an error") {
  CHECK(rc::check("any texts", [](const std::string& name, const std::string& ref, const std::string& url) {
    for (const auto* type : {"local", "git", "oci"}) {
      const auto read =
        read_source(Json{{"type", type}, {"name", name}, {"ref", ref}, {"url", url}, {"trusted", true}});
      if (read) RC_ASSERT(read->name.find('/') == std::string::npos && !read->name.empty());
    }
  }));
}
