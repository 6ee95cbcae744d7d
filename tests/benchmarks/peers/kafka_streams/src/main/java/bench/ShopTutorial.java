package bench;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Job (b): product views, additions to the cart and the sum of their prices, over a lifetime; the
 * rule is met from three product views and a sum above 250 on.
 *
 * <p>Contribution: kind (1 byte), price. Profile: product views, additions, sum.
 */
final class ShopTutorial implements Job {
  private static final byte PRODUCT_VIEW = 0;
  private static final byte ADDITION = 1;
  private static final int VIEWS_WANTED = 3;
  // Prices are in cents: no sum is so near to it that rounding decides.
  private static final double SUM_WANTED = 250.005;
  private static final int PROFILE_BYTES = 2 * Long.BYTES + Double.BYTES;

  @Override
  public byte[] contribution(String[] columns) throws IOException {
    if (!columns[EVENT_NAME].equals(Commerce.ACTION)) {
      return null;
    }
    return switch (Commerce.type(columns)) {
      case "product_view" -> encoded(PRODUCT_VIEW, 0);
      case "add_to_cart" -> encoded(ADDITION, Commerce.price(columns));
      default -> null;
    };
  }

  private static byte[] encoded(byte kind, double price) {
    return ByteBuffer.allocate(1 + Double.BYTES).put(kind).putDouble(price).array();
  }

  @Override
  public Outcome apply(byte[] before, byte[] contribution) {
    ByteBuffer given = ByteBuffer.wrap(contribution);
    boolean view = given.get() == PRODUCT_VIEW;
    ByteBuffer old = ByteBuffer.wrap(before == null ? new byte[PROFILE_BYTES] : before);
    long views = old.getLong();
    long additions = old.getLong();
    double sum = old.getDouble();
    boolean wasMet = met(views, sum);
    views += view ? 1 : 0;
    additions += view ? 0 : 1;
    sum += given.getDouble();
    ByteBuffer made = ByteBuffer.allocate(PROFILE_BYTES);
    made.putLong(views).putLong(additions).putDouble(sum);
    return new Outcome(made.array(), !wasMet && met(views, sum));
  }

  private static boolean met(long views, double sum) {
    return views >= VIEWS_WANTED && sum > SUM_WANTED;
  }

  @Override
  public String rule() {
    return "full_cart";
  }
}
