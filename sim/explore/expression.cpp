// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/expression.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "sim/base/config/text.h"

namespace tilewright::explore {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array<Unit, 11> kUnits = {{{"B", 1},
                                          {"KB", 1e3},
                                          {"MB", 1e6},
                                          {"GB", 1e9},
                                          {"KiB", 1024},
                                          {"MiB", 1048576},
                                          {"GiB", 1073741824},
                                          {"Hz", 1},
                                          {"kHz", 1e3},
                                          {"MHz", 1e6},
                                          {"GHz", 1e9}}};

const Unit* find_unit(std::string_view name) {
  const auto* found = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& unit) { return unit.name == name; });
  return found == kUnits.end() ? nullptr : found;
}

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool in_name(char c) { return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::optional<double> number_in(std::string_view text) {
  const std::size_t blank = text.find(' ');
  const std::optional<config::Decimal> decimal = config::parse_decimal(text.substr(0, blank));
  if (!decimal || decimal->text.size() > 30) {
    return std::nullopt;
  }
  double factor = 1;
  if (blank != std::string_view::npos) {
    const Unit* unit = find_unit(text.substr(blank + 1));
    if (unit == nullptr) {
      return std::nullopt;
    }
    factor = unit->factor;
  }
  return config::to_double(*decimal) * factor;
}

// Recursive descent, loosest operator first.
class ExpressionParser {
 public:
  using Operation = Expression::Operation;
  ExpressionParser(std::string_view text, const std::vector<std::string>& names) : text_(text), names_(names) {}

  bool parse(Expression& result, Expression::Problem& problem) {
    parse_or();
    skip_blanks();
    if (!failed_ && at_ < text_.size()) {
      fail("an operator or the end is expected here");
    }
    problem = problem_;
    result.program_ = std::move(program_);
    std::sort(reads_.begin(), reads_.end());
    reads_.erase(std::unique(reads_.begin(), reads_.end()), reads_.end());
    result.reads_ = std::move(reads_);
    return !failed_;
  }

 private:
  static constexpr int kDeepest = 64;

  void fail(std::string message) {
    if (!failed_) {
      failed_ = true;
      problem_.column = at_ + 1;
      problem_.message = std::move(message);
    }
  }
  void emit(Operation operation) { program_.push_back({operation, 0, 0}); }
  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
    }
  }
  // Takes a symbol, or a word that does not go on.
  bool take(std::string_view symbol) {
    skip_blanks();
    if (failed_ || !text_.substr(at_).starts_with(symbol)) {
      return false;
    }
    const std::size_t end = at_ + symbol.size();
    if (starts_name(symbol.front()) && end < text_.size() && in_name(text_[end])) {
      return false;
    }
    at_ = end;
    return true;
  }

  void parse_or() {
    if (++depth_ > kDeepest) {
      fail("is nested too deeply");
      return;
    }
    parse_and();
    while (take("or")) {
      parse_and();
      emit(Operation::kOr);
    }
    --depth_;
  }
  void parse_and() {
    parse_not();
    while (take("and")) {
      parse_not();
      emit(Operation::kAnd);
    }
  }
  void parse_not() {
    bool negate = false;
    while (take("not")) {
      negate = !negate;
    }
    parse_comparison();
    if (negate) {
      emit(Operation::kNot);
    }
  }
  void parse_comparison() {
    static constexpr std::array<std::pair<std::string_view, Operation>, 6> kSymbols = {
        {{"<=", Operation::kLessEqual}, {">=", Operation::kGreaterEqual}, {"==", Operation::kEqual},
         {"!=", Operation::kNotEqual}, {"<", Operation::kLess}, {">", Operation::kGreater}}};
    parse_sum();
    for (const auto& [symbol, operation] : kSymbols) {
      if (take(symbol)) {
        parse_sum();
        emit(operation);
        return;
      }
    }
  }
  void parse_sum() {
    parse_product();
    while (!failed_) {
      if (take("+")) {
        parse_product();
        emit(Operation::kAdd);
      } else if (take("-")) {
        parse_product();
        emit(Operation::kSubtract);
      } else {
        return;
      }
    }
  }
  void parse_product() {
    parse_unary();
    while (!failed_) {
      const Operation operation = take("*")   ? Operation::kMultiply
                                  : take("/") ? Operation::kDivide
                                  : take("%") ? Operation::kRemainder
                                              : Operation::kNumber;
      if (operation == Operation::kNumber) {
        return;
      }
      parse_unary();
      emit(operation);
    }
  }
  void parse_unary() {
    bool negate = false;
    while (take("-")) {
      negate = !negate;
    }
    parse_primary();
    if (negate) {
      emit(Operation::kNegate);
    }
  }
  void parse_primary() {
    if (take("(")) {
      parse_or();
      if (!take(")")) {
        fail("a ')' is missing here");
      }
      return;
    }
    skip_blanks();
    if (failed_ || at_ == text_.size()) {
      fail("a number, a parameter or a '(' is missing here");
    } else if (starts_name(text_[at_])) {
      parse_name();
    } else {
      parse_number();
    }
  }
  void parse_name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && in_name(text_[at_])) {
      ++at_;
    }
    const std::string word(text_.substr(start, at_ - start));
    if ((word == "min" || word == "max") && take("(")) {
      parse_or();
      if (!take(",")) {
        fail("a ',' is missing here");
      }
      parse_or();
      if (!take(")")) {
        fail("a ')' is missing here");
      }
      emit(word == "min" ? Operation::kMinimum : Operation::kMaximum);
      return;
    }
    const auto found = std::find(names_.begin(), names_.end(), word);
    if (found == names_.end()) {
      at_ = start;
      fail("there is no parameter '" + word + "'");
      problem_.unknown_name = problem_.unknown_name.empty() ? word : problem_.unknown_name;
      return;
    }
    const auto place = static_cast<std::size_t>(found - names_.begin());
    reads_.push_back(place);
    program_.push_back({Operation::kName, 0, place});
  }
  void parse_number() {
    const std::size_t start = at_;
    while (at_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '.')) {
      ++at_;
    }
    std::string number(text_.substr(start, at_ - start));
    const std::size_t after = at_;
    skip_blanks();
    std::size_t end = at_;
    while (end < text_.size() && in_name(text_[end])) {
      ++end;
    }
    if (find_unit(text_.substr(at_, end - at_)) != nullptr) {
      number += " " + std::string(text_.substr(at_, end - at_));
      at_ = end;
    } else {
      at_ = after;
    }
    const std::optional<double> value = number_in(number);
    if (!value) {
      at_ = start;
      fail("a number, a parameter or a '(' is expected here");
      return;
    }
    program_.push_back({Operation::kNumber, *value, 0});
  }

  std::string_view text_;
  const std::vector<std::string>& names_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  Expression::Problem problem_;
  std::vector<Expression::Instruction> program_;
  std::vector<std::size_t> reads_;
};

std::optional<Expression> Expression::parse(std::string_view text, const std::vector<std::string>& names,
                                            Problem& problem) {
  Expression result;
  if (!ExpressionParser(text, names).parse(result, problem)) {
    return std::nullopt;
  }
  return result;
}

double Expression::apply(Operation operation, double a, double b) {
  switch (operation) {
    case Operation::kAdd: return a + b;
    case Operation::kSubtract: return a - b;
    case Operation::kMultiply: return a * b;
    case Operation::kDivide: return a / b;
    case Operation::kRemainder: return std::fmod(a, b);
    case Operation::kLess: return a < b ? 1 : 0;
    case Operation::kLessEqual: return a <= b ? 1 : 0;
    case Operation::kEqual: return a == b ? 1 : 0;
    case Operation::kNotEqual: return a != b ? 1 : 0;
    case Operation::kGreaterEqual: return a >= b ? 1 : 0;
    case Operation::kGreater: return a > b ? 1 : 0;
    case Operation::kAnd: return a != 0 && b != 0 ? 1 : 0;
    case Operation::kOr: return a != 0 || b != 0 ? 1 : 0;
    case Operation::kMinimum: return std::min(a, b);
    case Operation::kMaximum: return std::max(a, b);
    default: return 0;  // the ones with fewer operands never come here
  }
}

double Expression::evaluate(std::span<const double> values) const {
  std::vector<double> stack;
  stack.reserve(program_.size());
  for (const Instruction& instruction : program_) {
    switch (instruction.operation) {
      case Operation::kNumber:
        stack.push_back(instruction.number);
        break;
      case Operation::kName:
        stack.push_back(values[instruction.name]);
        break;
      case Operation::kNegate:
        stack.back() = -stack.back();
        break;
      case Operation::kNot:
        stack.back() = stack.back() == 0 ? 1 : 0;
        break;
      default: {
        const double b = stack.back();
        stack.pop_back();
        stack.back() = apply(instruction.operation, stack.back(), b);
      }
    }
  }
  return stack.back();
}

}  // namespace tilewright::explore
