package Jamhook::Sign;

# Keys, and Standard Webhooks signatures made and checked without any code of
# the module: Digest::SHA and CryptX.
#
# P1 and P4 are published (see t/data); the others are made up here. A key is
# named where one is expected ("P1"), or given itself ("whsec_...").

use strict;
use warnings;

use Crypt::PK::Ed25519;
use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(encode_base64 decode_base64);

our %KEYS = (
    P1 => 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    P2 => 'whsec_' . encode_base64('a second key, of 32 bytes in all', ''),
    P3 => 'whsec_' . encode_base64('the third of them, 32 bytes long', ''),
    S1 => 'whsec_' . encode_base64('what we sign with: also 32 bytes', ''),
    S2 => 'whsec_' . encode_base64('its successor while it is turned', ''),
    P4_secret => 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKp'
                 . 'MKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
    P4_public => 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
);

$KEYS{P4} = $KEYS{P4_secret};


sub key { return exists $KEYS{$_[0]} ? $KEYS{$_[0]} : $_[0] }


# token($key, $id, $timestamp, $body): "v1,..." or "v1a,..."
sub token {
    my ($key, $id, $timestamp, $body) = @_;

    my ($kind, $bytes) = key($key) =~ /^(whsec|whsk)_(.*)$/
        or die "cannot sign with $key";
    my $signed = "$id.$timestamp.$body";

    if ($kind eq 'whsec') {
        return 'v1,' . encode_base64(hmac_sha256($signed,
                                                 decode_base64($bytes)), '');
    }

    my $pk = Crypt::PK::Ed25519->new;
    $pk->import_key_raw(substr(decode_base64($bytes), 0, 32), 'private');

    return 'v1a,' . encode_base64($pk->sign_message($signed), '');
}


# holds($key, $token, $id, $timestamp, $body)
sub holds {
    my ($key, $token, $id, $timestamp, $body) = @_;

    my ($kind, $bytes) = key($key) =~ /^(whsec|whsk|whpk)_(.*)$/ or return 0;

    if ($kind eq 'whsec') {
        return $token eq token($key, $id, $timestamp, $body);
    }

    my ($mac) = $token =~ /^v1a,(.*)$/ or return 0;
    my $public = decode_base64($bytes);
    $public = substr $public, 32 if $kind eq 'whsk';

    my $pk = Crypt::PK::Ed25519->new;
    $pk->import_key_raw($public, 'public');

    return $pk->verify_message(decode_base64($mac), "$id.$timestamp.$body");
}


# The three headers of an event, as a list of [name, value].
#
#   body, key (one, or several with "+"), id, timestamp, family, signature
sub headers {
    my (%e) = @_;

    my $family = defined $e{family} ? $e{family} : 'svix';
    my $id = defined $e{id} ? $e{id} : new_id();
    my $timestamp = defined $e{timestamp} ? $e{timestamp} : time;
    my $signature = defined $e{signature} ? $e{signature}
        : join ' ', map { token($_, $id, $timestamp, $e{body}) }
                    split /\+/, defined $e{key} ? $e{key} : 'P1';

    return ["$family-id", $id], ["$family-timestamp", $timestamp],
           ["$family-signature", $signature];
}


my $serial = 0;

sub new_id { return sprintf 'msg_%dx%dx%d', $$, time, ++$serial }


# Why a delivery (a request of Jamhook::Target) is not signed with these keys,
# one token for each and no more; undef when it is.
sub fault {
    my ($request, $family, @keys) = @_;

    require Jamhook::Target;

    my @value = map {
        my @v = Jamhook::Target::header($request, "$family-$_");
        return "$family-$_ stands there " . @v . " times" if @v != 1;
        $v[0];
    } qw(id timestamp signature);

    my ($id, $timestamp, $signature) = @value;

    return "its timestamp is $timestamp" unless $timestamp =~ /^[1-9]\d*$/;
    return "its timestamp is off by " . ($timestamp - $request->{at})
        if abs($timestamp - $request->{at}) > 30;

    my @tokens = split / /, $signature;

    return @tokens . " tokens" if @tokens != @keys;

    for my $key (@keys) {
        return "no token of $key" unless
            grep { holds($key, $_, $id, $timestamp, $request->{body}) }
            @tokens;
    }

    return undef;
}


1;
