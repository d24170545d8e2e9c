"""Networks of other frameworks made models of the zoo, proven to predict what they predicted there."""
