#include "config/generation/format.h"

namespace sluice::generation {

std::string_view text(Scope scope) {
  switch (scope) {
    case Scope::tree:
      return "tree";
    case Scope::exact:
      return "exact";
    case Scope::subs:
      return "subs";
  }
  return "unknown";
}

std::string_view text(Disposition disposition) {
  switch (disposition) {
    case Disposition::block:
      return "block";
    case Disposition::allow:
      return "allow";
    case Disposition::protect:
      return "protect";
  }
  return "unknown";
}

std::string_view text(Layer layer) {
  switch (layer) {
    case Layer::authority:
      return "authority";
    case Layer::isp:
      return "isp";
    case Layer::site:
      return "site";
    case Layer::subscription:
      return "subscription";
    case Layer::emergency:
      return "emergency";
  }
  return "unknown";
}

}  // namespace sluice::generation
