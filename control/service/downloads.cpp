#include "control/service/downloads.h"

#include "config/files/file.h"

namespace sluice::service {
namespace {

constexpr std::uint64_t kMaxLogin = 1024;

Result<std::string> read_login(const std::filesystem::path& file) {
  auto text = files::read_bounded(file, kMaxLogin);
  if (!text) return fail(text.error());
  text->resize(std::min(text->find_first_of("\r\n"), text->size()));
  if (text->find(':') == std::string::npos) {
    return fail("holds no USER:PASSWORD", file.string(), "write it on its first line");
  }
  return text;
}

}  // namespace

Result<sync::HttpOptions> http_options(const std::optional<schema::Proxy>& proxy,
                                       const std::filesystem::path& ca_file,
                                       const std::atomic<bool>& stop) {
  sync::HttpOptions options{.ca_file = ca_file, .stop = &stop};
  if (!proxy) return options;
  options.proxy = proxy->url;
  if (proxy->login_file.empty()) return options;
  auto login = read_login(proxy->login_file);
  if (!login) return fail(login.error());
  options.proxy_login = std::move(*login);
  return options;
}

}  // namespace sluice::service
