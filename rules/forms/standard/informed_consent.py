"""Informed Consent & Confidentiality, as every practice begins with it."""

from rules.forms.fields import FieldType, FormField
from rules.forms.wording import unwrapped

TITLE = "Informed Consent & Confidentiality"

FIELDS = (
    FormField(
        name="agrees",
        label="I have read the informed consent and agree to it",
        type=FieldType.AGREEMENT,
        required=True,
    ),
)

BODY = unwrapped("""
Please read this before you sign it. It tells you what therapy here is, what stays between you and your therapist, and
what you can expect of us. Ask your therapist or the care team about anything that is not clear, now or at any later
time.

# What therapy is

Therapy is work that you and your therapist do together. You speak about what troubles you, and look for what can
change it. Your therapist tells you which methods they use, what else could be considered, and how they see the
progress that you make. You decide together what to work on.

Therapy helps many people. It can also be hard: you may remember and feel things that are painful, and what changes
for you may change how you get on with others. Nobody can promise a result. If you feel worse, say so, so that you and
your therapist can see to it together.

You come of your own free will. You may leave a question unanswered, refuse a method, ask for another therapist, or
end therapy at any time, without giving a reason and without any disadvantage. If you would like to go on elsewhere,
we help you to find somebody.

Your therapist holds a licence and works by its rules. You can ask about their training, their licence and their
experience, and you can turn to the board that gave the licence with a complaint.

# What stays between us

What you say to your therapist is confidential. So is the fact that you are a client. Your therapist tells nobody
about it without your permission in writing, which you can take back at any time for what is still to come.

Within the practice, each person sees what their work takes. Your therapist sees your whole record. The care team sees
your contact details, your appointments, your bills and which forms you have completed. It sees what you wrote to your
therapist only if there is need, with a reason that is recorded and told to your therapist. Your therapist may speak
about the work with a supervisor or with colleagues to do it well; they then leave out your name and whatever else
would show who you are.

# Where confidentiality ends

There are situations in which the law allows or obliges us to tell others, even against your wish. They are:

- There is a serious danger that you will harm yourself. Your therapist may then call people who can help, such as the
emergency contact whom you have named, a hospital or the emergency services.
- There is a serious danger that you will harm somebody else. Your therapist may have to warn that person or the
police.
- There is reason to suspect that a child, or an adult who depends on others, is abused or neglected. Your therapist
may have to report it.
- A court orders us to give evidence or to hand over records. We hand over no more than the order demands, and tell
you first where we may.
- You make a claim or a complaint that concerns your therapy. We may then use what is needed to answer it.
- An authority that supervises licences or health care asks for what the law lets it have.

If your therapist has to tell somebody, they speak with you about it first wherever that is possible and safe, and
tell no more than is needed.

In therapy with a couple, a family or a group, everybody who takes part is asked to keep what the others say to
themselves. We cannot promise that they will. Your therapist tells you at the beginning how they handle what one of
you tells them alone.

For a client who is not of age, a parent or guardian consents, and may have a right to know about treatment. Your
therapist tells you at the beginning what is shared with them.

# Sessions by video or telephone

Sessions may be held by video or telephone. That saves a journey, and it is different from sitting in one room:

- The connection may fail. If it does, try again; if that does not help within a few minutes, your therapist calls you
on the telephone number that you gave us.
- Your therapist sees and hears less of you than in a room, and may suggest that you meet in person or that other help
suits you better.
- However well a connection is protected, nobody can rule out that somebody breaks into it. Use a device and a network
that are yours.
- Be in a place where nobody can listen, and tell your therapist if you are not alone.
- Tell your therapist at the beginning of each session where you are, so that help could be sent to you. Your
therapist may work with you only while you are in a place in which their licence is valid.
- Neither you nor your therapist records a session, unless both of you agreed to it in writing before.

You can say at any time that you do not want to go on by video or telephone.

# Emergencies

We are not an emergency service. Nobody reads messages around the clock, and your therapist may not be able to call
you back on the same day.

If you are in danger, or think of ending your life, do not wait for us: call the emergency number of the place where
you are, or go to the nearest emergency room. In the United States that number is 911, and the Suicide and Crisis
Lifeline answers calls and text messages to 988 at any hour.

# Messages

You can write to your therapist and to the care team on our pages. Please use the messages there for what is personal,
and e-mail for nothing that is confidential: our own e-mails say no more than that something waits for you. Messages
are part of your record. They are for appointments and short questions, and do not take the place of a session.

Your therapist does not accept invitations of clients on social media, and does not look you up there.

# Your record

We keep a record of your therapy, as the law demands: your forms, your appointments, what was agreed, and your
therapist's notes. It is stored encrypted. Every look into it is noted, and you can see in your account who looked.

We keep your record for as long as the law obliges us to, also when therapy has ended. You can ask to see it, to have
a copy of it, and to have put right what is wrong in it. Where the law lets us withhold a part, such as notes that a
therapist keeps for themselves, or what would endanger somebody, we tell you so.

# Fees and insurance

Sessions cost a fee, which you see before you book. What is due, when your card is charged, and what a session costs
that is cancelled late or missed stands in our fee policy, which you sign with your billing information.

We do not know whether your insurance pays for your sessions. Please ask your insurance before the first one. If you
want it to pay you back, it may ask for a diagnosis and other information; we give it none without your permission.

# When therapy ends

You and your therapist best speak about the end before it comes. Your therapist may end therapy when it no longer
helps you, when you need help that they cannot give, or when sessions are missed or left unpaid again and again. They
then tell you why, and name others to whom you can turn.

# Your agreement

By signing you confirm that you have read and understood this, that you could ask questions, and that you agree to
therapy, by video or telephone too, under these terms. You can take your agreement back at any time. If we change this
text, we ask you again.
""")
